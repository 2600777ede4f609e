import type { Reject } from '../terminals/decode.ts';
import type { Profile } from '../terminals/profile.ts';
import { answer188 } from './cjt188.ts';
import { answer645 } from './dlt645.ts';
import type { MeterFrame } from './framer.ts';

/** What frames say that nobody waits for on a line: those that come over MQTT. Pure. */

/** An answer of which more may follow in another message. */
export interface Begun {
  di: string;
  data: Buffer;
  part: number;
}

export interface Incoming {
  data: Map<string, Buffer>;
  /** What the meter made of the last command. */
  answer: { accepted: boolean; reason?: string | undefined } | undefined;
  rejects: Reject[];
  begun: Begun | undefined;
}

/** Parts of one answer. */
export const MOST_PARTS = 32;

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
  return answer.kind === 'data' ? { ...answer, part: 0, hasMore: false } : answer;
}

/** What follows counts only right behind what it follows: alone it would be taken for the beginning. */
function takeData({ di, data, part, hasMore }: Begun & { hasMore: boolean }, into: Incoming): void {
  const { begun } = into;
  into.begun = undefined;
  if (part > 0 && !(begun?.di === di && begun.part === part - 1)) {
    into.rejects.push(refused(`part ${part} of ${di}, which does not follow what came before`));
    return;
  }
  const whole = part > 0 && begun ? Buffer.concat([begun.data, data]) : data;
  into.data.set(di, whole);
  if (hasMore && part < MOST_PARTS) into.begun = { di, data: whole, part };
}

function take(frame: MeterFrame, into: Incoming): void {
  const answer = answerOf(frame);
  switch (answer.kind) {
    case 'data':
      takeData(answer, into);
      return;
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

/** Takes the frames of one meter; those of others are refused. `begun` is of the message before. */
export function understand(
  frames: readonly MeterFrame[],
  { protocol }: Pick<Profile, 'protocol'>,
  address: string,
  begun?: Begun,
): Incoming {
  const incoming: Incoming = { data: new Map(), answer: undefined, rejects: [], begun };
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
