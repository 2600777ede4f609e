import type { Texts } from './zh.ts';

export const clock: Texts['clock'] = {
  troubles: {
    jumped: 'The gateway’s clock was set by {{s}} s, so nothing is switched off',
    too_early: 'The gateway’s clock says {{time}}, which cannot be, so nothing is switched off',
  },
  sureIn: 'It goes on by itself when the clock has run evenly for {{n}} more s; switching on and watching go on.',
  mend: 'Set the clock of the computer on which the gateway runs; switching on and watching go on.',
  trust: 'The clock is right',
  trustTitle: 'Is the gateway’s clock right?',
  gatewaySays: 'The gateway: {{time}}',
  computerSays: 'This computer: {{time}}',
  trustNote: 'Compare it with a telephone or a clock on the wall. Switching off goes on at once, and the audit has it.',
};
