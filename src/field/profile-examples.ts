import { cutFrames, payloadBytes } from '../meters/framer.ts';
import { understand } from '../meters/incoming.ts';
import { dialectOf } from '../mqtt/dialects/dialects.ts';
import { type Decoded, decodeMessage, decodeMeter, decodeRegisters, type Reject } from '../terminals/decode.ts';
import { decodeUnwrapped } from '../terminals/mapping.ts';
import type { Profile } from '../terminals/profile.ts';
import type { Terminal } from '../terminals/registry.ts';

/** A profile's example frames, decoded as the gateway would decode them if they came now. */

type Frame = Profile['examples'][number]['frame'];

const NOW = Date.UTC(2026, 0, 1);
const BOUNDS = { now: NOW, maxFutureMs: 0, installedAt: null };
/** Stands for the terminal in topics and payloads. */
const NAME = 'plug';
const PRODUCT_KEY = 'a1pC3rpU4xF';

const tableOf = (registers: Record<string, number> | undefined) =>
  new Map(Object.entries(registers ?? {}).map(([address, word]) => [Number(address), word]));

const terminalOf = (profile: Profile): Terminal => ({
  ...{ id: NAME, profile, secretHash: null, installedAt: null, createdAt: 0, companyId: null, areaCode: null },
  ...{ householdId: null, householdName: null, householdSince: null, previousHash: null, previousUntil: null },
  ...{ brokerHash: null, unclaimedSince: null, claimHash: null, claimUntil: null },
  connection: { type: 'mqtt', ...(profile.dialect === 'alink' && { name: `${NAME}&${PRODUCT_KEY}` }) },
});

const textOf = (payload: unknown): string => (typeof payload === 'string' ? payload : JSON.stringify(payload));

/** In another dialect, as the broker would take it; what is said of several times is put together. */
function decodeSaid(profile: Profile, { topic, payload }: { topic: string; payload: unknown }): Decoded {
  const said = { topic: topic.replace('{id}', NAME), payload: Buffer.from(textOf(payload)) };
  const from = { terminal: terminalOf(profile), behind: () => undefined };
  const dialect = dialectOf(profile);
  const rejects: Reject[] = [];
  const values: Record<string, number> = {};
  if (!dialect?.mayPublish(from, said.topic)) {
    return { readings: [], rejects: [{ reason: 'bad_payload', detail: `${topic}: nobody listens to this topic` }] };
  }
  for (const one of dialect.hear({ ...from, ...said, now: NOW }).said) {
    if (one.what !== 'readings') continue;
    const decoded = decodeUnwrapped(profile, one.items, BOUNDS);
    for (const reading of decoded.readings) Object.assign(values, reading.values);
    rejects.push(...decoded.rejects);
  }
  return { readings: [{ time: NOW, values }], rejects };
}

/** A meter's frames, as they would come over MQTT. */
function decodeFrames(profile: Profile, texts: readonly string[]): Decoded {
  const { frames, rest, noise } = cutFrames(Buffer.concat(texts.map((text) => payloadBytes(Buffer.from(text)).bytes)));
  const { data, rejects } = understand(frames, profile, frames[0]?.address ?? '');
  if (noise + rest.length > 0) rejects.push({ reason: 'bad_payload', detail: 'bytes that are no frame' });
  const decoded = decodeMeter(profile, data, NOW);
  return { readings: decoded.readings, rejects: [...rejects, ...decoded.rejects] };
}

function decodeFrame(profile: Profile, frame: Frame): Decoded {
  if ('values' in frame) {
    return decodeMessage(profile, Buffer.from(JSON.stringify({ time: NOW, values: frame.values })), BOUNDS);
  }
  if ('topic' in frame) return decodeSaid(profile, frame);
  if ('frames' in frame) return decodeFrames(profile, frame.frames);
  const { holding, input, coil, discrete } = frame;
  const registers = {
    ...{ holding: tableOf(holding), input: tableOf(input) },
    ...{ coil: tableOf(coil), discrete: tableOf(discrete) },
  };
  return decodeRegisters(profile, registers, NOW);
}

/** A value that an example does not give as it says. `expected` or `got` is undefined where there is none. */
export interface WrongExample {
  /** Counted from 0. */
  example: number;
  metric: string;
  expected: number | undefined;
  got: number | undefined;
  /** Why the gateway refuses it. */
  reason: string | undefined;
}

/** Where the examples do not give the values that they name. */
export function wrongExamples(profile: Profile): WrongExample[] {
  return profile.examples.flatMap(({ frame, values }, example) => {
    const { readings, rejects } = decodeFrame(profile, frame);
    const got = readings[0]?.values ?? {};
    const reasons = new Map(rejects.map(({ metric, detail }) => [metric, detail]));
    const names = new Set([...Object.keys(values), ...Object.keys(got), ...rejects.map(({ metric }) => metric ?? '')]);
    return [...names]
      .filter((metric) => got[metric] !== values[metric] || reasons.has(metric === '' ? undefined : metric))
      .map((metric) => ({
        ...{ example, metric, expected: values[metric], got: got[metric] },
        reason: reasons.get(metric === '' ? undefined : metric),
      }));
  });
}
