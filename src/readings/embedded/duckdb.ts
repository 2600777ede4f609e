import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api';
import { GatewayError } from '../../lib/errors.ts';

/** One DuckDB instance without data of its own, to which files are attached: a connection that writes, a few that read. */

/** With the writer three of the four threads that Node has for this, so that one is always left for files. */
const READERS = 2;
const MOST_WAITING = 1_000;
/** A file is brought up to date after each settling, so this is only reached where settling fails. */
const CHECKPOINT_AT = '256MB';

/** The result by columns, which costs far less than an object a row. */
export async function columnsOf(
  connection: DuckDBConnection,
  sql: string,
  values?: DuckDBValue[],
): Promise<DuckDBValue[][]> {
  return (await connection.runAndReadAll(sql, values)).getColumns();
}

/** Big sorts spill into `spillFolder`. Dispose waits for who reads. */
export async function openDuckdb(spillFolder: string) {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: '1GB',
    threads: '1',
    temp_directory: spillFolder,
    checkpoint_threshold: CHECKPOINT_AT,
    // What it needs is built in; nothing is fetched.
    autoinstall_known_extensions: 'false',
  });
  const writer = await instance.connect();
  const connections = await Promise.all(Array.from({ length: READERS }, () => instance.connect()));
  const free = [...connections];
  const waiting: ((connection: DuckDBConnection) => void)[] = [];
  let closing = false;

  async function take(): Promise<DuckDBConnection> {
    if (closing) throw new Error('the store is closed');
    return free.pop() ?? (await new Promise<DuckDBConnection>((resolve) => waiting.push(resolve)));
  }

  function give(connection: DuckDBConnection): void {
    const next = waiting.shift();
    if (next) next(connection);
    else free.push(connection);
  }

  async function read<T>(task: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    if (waiting.length >= MOST_WAITING) throw new GatewayError('degraded', 'too many questions wait for the store');
    const connection = await take();
    try {
      return await task(connection);
    } finally {
      give(connection);
    }
  }

  /** Runs while nobody reads; only ever one at a time. */
  async function alone<T>(task: () => Promise<T>): Promise<T> {
    const taken: DuckDBConnection[] = [];
    try {
      while (taken.length < READERS) taken.push(await take());
      return await task();
    } finally {
      for (const connection of taken) give(connection);
    }
  }

  return {
    writer,
    read,
    alone,
    async [Symbol.asyncDispose](): Promise<void> {
      await alone(async () => {
        closing = true;
        for (const connection of connections) connection.closeSync();
      });
      writer.closeSync();
      instance.closeSync();
    },
  };
}
export type Duckdb = Awaited<ReturnType<typeof openDuckdb>>;
