import type { Reject } from '../terminals/decode.ts';
import type { Profile } from '../terminals/profile.ts';
import { answer188 } from './cjt188.ts';
import { answer645 } from './dlt645.ts';
import type { MeterFrame } from './framer.ts';

/** What frames say that nobody waits for on a line: those that come over MQTT. Pure. */

export interface Incoming {
  data: Map<string, Buffer>;
  /** What the meter made of the last command. */
  answer: { accepted: boolean; reason?: string | undefined } | undefined;
  rejects: Reject[];
}

const refused = (detail: string): Reject => ({ reason: 'bad_payload', detail });
const controlOf = ({ control }: MeterFrame): string => control.toString(16).padStart(2, '0').toUpperCase();

/** The answer of either protocol in one form. */
function answerOf(frame: MeterFrame) {
  if (frame.protocol === 'dlt645') {
    const answer = answer645(frame);
    return answer.kind === 'refused' ? { ...answer, toCommand: answer.toControl } : answer;
  }
  const answer = answer188(frame);
  if (answer.kind === 'refused') return { ...answer, toCommand: answer.toValve };
  return answer.kind === 'data' ? { ...answer, isPart: false } : answer;
}

function take(frame: MeterFrame, into: Incoming): void {
  const answer = answerOf(frame);
  switch (answer.kind) {
    case 'data': {
      const before = answer.isPart ? into.data.get(answer.di) : undefined;
      into.data.set(answer.di, before ? Buffer.concat([before, answer.data]) : answer.data);
      return;
    }
    case 'accepted':
      into.answer = { accepted: true };
      return;
    case 'refused':
      // To a reading it only says that there is no such value.
      if (answer.toCommand) into.answer = { accepted: false, reason: answer.reason };
      return;
    case 'old':
      into.rejects.push(refused('a meter of DL/T 645-1997, which is not read'));
      return;
    case 'other':
      // A request that an adapter gives back is nobody's fault.
      if (frame.control & 0x80)
        into.rejects.push(refused(`control code ${controlOf(frame)} answers nothing that is asked`));
  }
}

/** Takes the frames of one meter; those of others are refused. */
export function understand(
  frames: readonly MeterFrame[],
  { protocol }: Pick<Profile, 'protocol'>,
  address: string,
): Incoming {
  const incoming: Incoming = { data: new Map(), answer: undefined, rejects: [] };
  for (const frame of frames) {
    if (frame.protocol !== protocol) incoming.rejects.push(refused(`a frame of ${frame.protocol}`));
    else if (frame.address === address) take(frame, incoming);
    else {
      const detail = `a frame of meter ${frame.address}, and ${address} is expected`;
      incoming.rejects.push({ reason: 'wrong_address', detail });
    }
  }
  return incoming;
}
