import modbusSerial from 'modbus-serial';
import type { Clock } from '../lib/clock.ts';
import type { ReadRequest } from './plan.ts';

/**
 * One Modbus TCP connection with its discipline: one request under way at a time, and after a time-out or any other trouble the
 * connection is thrown away, so that a late answer is never taken for the next one.
 */

// A CommonJS module whose class is its `default`.
const ModbusClient = modbusSerial.default;
type ModbusClient = InstanceType<typeof ModbusClient>;

/** The device answered, and said no: Modbus exception codes 01–0B. The line itself is well. */
export class ModbusException extends Error {
  readonly exceptionCode: number;
  constructor(exceptionCode: number) {
    super(`Modbus exception ${String(exceptionCode).padStart(2, '0')}`);
    this.exceptionCode = exceptionCode;
  }
}

/** Nobody listens there, or the connection failed and it is too early to try again. */
export class LineDown extends Error {}

const CONNECT_TIMEOUT_MS = 3_000;
const FIRST_BACK_OFF_MS = 500;
const LONGEST_BACK_OFF_MS = 30_000;
/** More requests than this mean that the line cannot keep up. */
const MOST_WAITING = 1_000;

export function createLine(parts: { host: string; port: number; clock: Clock }) {
  const { host, port, clock } = parts;
  let client: ModbusClient | undefined;
  const polls: (() => Promise<void>)[] = [];
  const commands: (() => Promise<void>)[] = [];
  let working: Promise<void> | undefined;
  let failures = 0;
  let notBefore = 0;
  let closed = false;

  function drop(): void {
    client?.destroy(() => undefined);
    client = undefined;
  }

  async function within<T>(ms: number, what: string, task: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    using _timer = clock.after(ms, () => reject(new Error(`${host}:${port}: no ${what} within ${ms} ms`)));
    return await Promise.race([task, promise]);
  }

  async function connect(): Promise<ModbusClient> {
    if (!closed && client?.isOpen) return client;
    if (closed || clock.now() < notBefore) throw new LineDown(`${host}:${port}: not reachable; next attempt soon`);
    drop();
    const fresh = new ModbusClient();
    fresh.on('error', () => undefined);
    try {
      await within(CONNECT_TIMEOUT_MS, 'connection', fresh.connectTCP(host, { port }));
    } catch (error) {
      fresh.destroy(() => undefined);
      // Jitter keeps lines that failed together from coming back together.
      const backOff = Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** failures) * (0.5 + Math.random() / 2);
      failures += 1;
      notBefore = clock.now() + backOff;
      throw new LineDown(error instanceof Error ? error.message : String(error));
    }
    client = fresh;
    return fresh;
  }

  /** Runs one request when those before it are through. */
  async function request<T>(unit: number, timeoutMs: number, task: (client: ModbusClient) => Promise<T>): Promise<T> {
    const open = await connect();
    open.setID(unit);
    // The library's own time-out is longer, so that only ours decides.
    open.setTimeout(timeoutMs * 2);
    try {
      const answer = await within(timeoutMs, `answer of unit ${unit}`, task(open));
      failures = 0;
      return answer;
    } catch (error) {
      const code = typeof error === 'object' && error && 'modbusCode' in error ? Number(error.modbusCode) : undefined;
      if (code !== undefined) throw new ModbusException(code);
      drop();
      throw error;
    }
  }

  async function work(): Promise<void> {
    for (let next = commands.shift() ?? polls.shift(); next; next = commands.shift() ?? polls.shift()) await next();
    working = undefined;
  }

  /** Runs `task` when those before it in its queue are through; commands go before polls. */
  function queue<T>(tasks: typeof polls, task: () => Promise<T>): Promise<T> {
    if (tasks.length >= MOST_WAITING)
      return Promise.reject(new Error(`${host}:${port}: ${tasks.length} requests wait`));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    tasks.push(() => task().then(resolve, reject));
    working ??= work();
    return promise;
  }

  async function readRegisters(open: ModbusClient, { table, address, count }: ReadRequest): Promise<number[]> {
    const { data } = await (table === 'holding'
      ? open.readHoldingRegisters(address, count)
      : open.readInputRegisters(address, count));
    if (data.length !== count) throw new Error(`${host}:${port}: ${data.length} of ${count} registers came`);
    return data;
  }

  return {
    /** The registers asked for. Throws `ModbusException`, or an error that says which line and unit failed. */
    read: (unit: number, asked: ReadRequest, timeoutMs: number): Promise<number[]> =>
      queue(polls, () => request(unit, timeoutMs, (open) => readRegisters(open, asked))),

    /**
     * Writes holding registers, one with function 06, several with 16. When its turn has come and the line is up, `begin` says whether
     * it still may; false means that nothing was written. `words` is given the word that is there now when `readFirst`.
     */
    write(
      unit: number,
      target: { address: number; readFirst: boolean; words: (present: number) => number[] },
      timeoutMs: number,
      begin: () => Promise<boolean>,
    ): Promise<boolean> {
      const { address, readFirst, words } = target;
      return queue(commands, () =>
        request(unit, timeoutMs, async (open) => {
          const one = { table: 'holding', address, count: 1 } as const;
          const [present = 0] = readFirst ? await readRegisters(open, one) : [];
          if (!(await begin())) return false;
          const [only, ...more] = words(present);
          if (only !== undefined && more.length === 0) await open.writeRegister(address, only);
          else await open.writeRegisters(address, words(present));
          return true;
        }),
      );
    },

    async [Symbol.asyncDispose](): Promise<void> {
      closed = true;
      await working;
      drop();
    },
  };
}
export type Line = ReturnType<typeof createLine>;
