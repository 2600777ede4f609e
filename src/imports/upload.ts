import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../lib/clock.ts';
import { GatewayError } from '../lib/errors.ts';

/** Who sends for longer holds the place of others. */
const LONGEST_MS = 600_000;

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

/**
 * Writes a body into a file as it comes, and onto the disk. Throws `body_too_large`, `degraded` when the disk is full, and `invalid_request` when it was cut off
 * or took too long; the file is then not whole.
 */
export async function keepUpload(
  body: Readable,
  file: string,
  { maxBytes, clock }: { maxBytes: number; clock: Clock },
): Promise<{ bytes: number }> {
  let bytes = 0;
  async function* counted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new GatewayError('body_too_large', `More than ${maxBytes} bytes`);
      yield chunk;
    }
  }
  const tooLong = new AbortController();
  using _timer = clock.after(LONGEST_MS, () => tooLong.abort());
  try {
    await pipeline(body, counted, createWriteStream(file, { mode: 0o600, flush: true }), { signal: tooLong.signal });
  } catch (error) {
    if (codeOf(error) === 'ENOSPC') throw new GatewayError('degraded', 'The disk is full');
    const cut = tooLong.signal.aborted || (body.destroyed && !body.readableEnded && !(error instanceof GatewayError));
    throw cut ? new GatewayError('invalid_request', 'The upload was cut off') : error;
  }
  return { bytes };
}
