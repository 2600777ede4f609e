import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GatewayError } from '../lib/errors.ts';
import type { Encoding } from './import-sheet.ts';

/** Tells UTF-8 from GB18030, which Excel writes in China, while the bytes come. */
function createEncodingGuess() {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let encoding: Encoding = 'utf-8';
  return {
    see(bytes: Uint8Array): void {
      if (encoding !== 'utf-8') return;
      try {
        decoder.decode(bytes, { stream: true });
      } catch {
        encoding = 'gb18030';
      }
    },
    guess: (): Encoding => encoding,
  };
}

/** Writes a body into a file as it comes. Throws `body_too_large`, and `degraded` when the disk is full; the file is then not whole. */
export async function keepUpload(body: Readable, file: string, maxBytes: number) {
  const encoding = createEncodingGuess();
  let bytes = 0;
  async function* counted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new GatewayError('body_too_large', `More than ${maxBytes} bytes`);
      encoding.see(chunk);
      yield chunk;
    }
  }
  try {
    await pipeline(body, counted, createWriteStream(file, { mode: 0o600 }));
  } catch (error) {
    const full = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
    throw full ? new GatewayError('degraded', 'The disk is full') : error;
  }
  return { bytes, encoding: encoding.guess() };
}
