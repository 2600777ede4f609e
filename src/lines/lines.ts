import type { Clock } from '../lib/clock.ts';
import { type Line as LineAddress, lineName, lineSettings, packetBytes, type SerialLine } from '../terminals/lines.ts';
import type { DialIn } from './dial-in.ts';
import { createLine, type Line } from './line.ts';
import { dialTcp, openSerial } from './port.ts';

/** The lines in use, by name: opened with their first unit, closed with their last. */

/** RTU frames have no number. What follows an answer too late to be seen with it, as USB adapters pass bytes on every 16 ms, must not meet
 * the next request. */
const USUAL_GAP_MS = 20;
const LEAST_GAP_MS = 1.75;
const GAP_CHARACTERS = 3.5;

/** How long a character takes on a serial wire: start, data, parity and stop bits. Milliseconds. */
export const characterMs = ({ baudRate, dataBits = 8, parity = 'none', stopBits = 1 }: SerialLine): number =>
  ((1 + dataBits + (parity === 'none' ? 0 : 1) + stopBits) * 1_000) / baudRate;

export interface Ways {
  tcp: typeof dialTcp;
  serial: typeof openSerial;
}
export const WAYS: Ways = { tcp: dialTcp, serial: openSerial };

interface Use {
  line: Line;
  settings: string;
  /** Ends the wait for a DTU. */
  expected: Disposable | undefined;
}

export function createLines(parts: {
  dialIn: DialIn;
  clock: Clock;
  /** A line can be used again. */
  onUp: (name: string) => void;
  closing: (closed: Promise<void>) => void;
  ways: Ways;
  /** See `LineParts`. */
  mostUnheard?: number | undefined;
}) {
  const { dialIn, clock, ways, mostUnheard } = parts;
  const uses = new Map<string, Use>();

  function open(address: LineAddress): Use {
    const name = lineName(address);
    const pauseMs = address.pauseMs ?? USUAL_GAP_MS;
    const common = { name, clock, mostUnheard, timeoutMs: address.timeoutMs, onUp: () => parts.onUp(name) };
    const settings = lineSettings(address);
    if ('serial' in address) {
      const byteMs = characterMs(address);
      const gapMs = Math.max(pauseMs, LEAST_GAP_MS, GAP_CHARACTERS * byteMs);
      const line = createLine({ ...common, framing: 'rtu', open: ways.serial(address), gapMs, byteMs, heartbeats: [] });
      return { line, settings, expected: undefined };
    }
    const framing = address.framing ?? ('listen' in address ? 'rtu' : 'tcp');
    const gapMs = framing === 'tcp' ? (address.pauseMs ?? 0) : Math.max(pauseMs, LEAST_GAP_MS);
    if ('host' in address) {
      const { host, port } = address;
      const line = createLine({ ...common, framing, open: ways.tcp(host, port), gapMs, byteMs: 0, heartbeats: [] });
      return { line, settings, expected: undefined };
    }
    const { listen, registration, heartbeat } = address;
    // Many DTUs say their registration again and again.
    const heartbeats = [heartbeat, registration].flatMap((text) => (text === undefined ? [] : [packetBytes(text)]));
    const line = createLine({ ...common, framing, gapMs, byteMs: 0, heartbeats });
    return { line, settings, expected: dialIn.expect(listen, { registration, heartbeats, attach: line.attach }) };
  }

  function close(name: string): void {
    const use = uses.get(name);
    if (!use) return;
    uses.delete(name);
    use.expected?.[Symbol.dispose]();
    parts.closing(use.line[Symbol.asyncDispose]());
  }

  return {
    /** The line as it is set now; one whose settings changed is closed and opened anew. */
    of(address: LineAddress): Line {
      const name = lineName(address);
      if (uses.get(name)?.settings !== lineSettings(address)) close(name);
      const use = uses.get(name) ?? open(address);
      uses.set(name, use);
      return use.line;
    },
    close,
    all: (): Line[] => [...uses.values()].map(({ line }) => line),
    size: (): number => uses.size,
    async [Symbol.asyncDispose](): Promise<void> {
      const open = [...uses.values()];
      uses.clear();
      for (const { expected } of open) expected?.[Symbol.dispose]();
      await Promise.all(open.map(({ line }) => line[Symbol.asyncDispose]()));
    },
  };
}
