import type { Clock } from '../../lib/clock.ts';
import { GatewayError } from '../../lib/errors.ts';

/** One request to a provider, with an end to its time and to its size. */

const WITHIN_MS = 15_000;
const MOST_BYTES = 1_048_576;

export interface Exchanged {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

async function bodyOf(response: Response, mostBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > mostBytes) throw new Error(`more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Rejects with `provider_unavailable` when no whole answer came in time. Redirections are not followed. */
export async function exchange(
  clock: Clock,
  url: string,
  request: { method: string; headers?: Record<string, string>; body?: string },
  mostBytes = MOST_BYTES,
): Promise<Exchanged> {
  const late = new AbortController();
  using _timer = clock.after(WITHIN_MS, () => late.abort(new Error('no answer in time')));
  try {
    const response = await fetch(url, { ...request, redirect: 'manual', signal: late.signal });
    const body = await bodyOf(response, mostBytes);
    return { status: response.status, headers: Object.fromEntries(response.headers), body };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new GatewayError('provider_unavailable', `The payment provider does not answer: ${why}`);
  }
}
