import type { ClockState } from '../../http/schemas/clock.ts';

/** The gateway's clock, while it is not trusted. */
export const clock = {
  troubles: {
    jumped: '网关时钟被调整了 {{s}} 秒，暂不下发关停指令',
    too_early: '网关时钟显示 {{time}}，显然不对，不下发关停指令',
  } satisfies Record<NonNullable<ClockState['trouble']>, string>,
  sureIn: '再平稳运行 {{n}} 秒后自动恢复；开启和监测不受影响。',
  mend: '请先校准网关所在计算机的时钟；开启和监测不受影响。',
  trust: '时钟无误',
  trustTitle: '确认网关时钟无误？',
  gatewaySays: '网关时钟：{{time}}',
  computerSays: '这台电脑：{{time}}',
  trustNote: '请与手机或墙上的钟核对。确认后立即恢复关停指令，并记入审计。',
};
