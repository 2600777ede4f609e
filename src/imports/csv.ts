import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { SheetTrouble } from './errors.ts';
import type { SheetReader } from './sheet.ts';

/** The rows of a CSV file, in UTF-8 or in GB18030, which Excel writes in China. */

const LONGEST_RECORD = 10_000;

async function isUtf8(file: string, signal: AbortSignal): Promise<boolean> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of createReadStream(file, { signal })) decoder.decode(chunk, { stream: true });
    decoder.decode();
    return true;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return false;
  }
}

async function* decoded(chunks: AsyncIterable<Buffer>, encoding: string): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  try {
    for await (const chunk of chunks) {
      // No text has it, and no database takes it.
      if (chunk.includes(0)) throw new SheetTrouble(1, 'bad_encoding', '');
      yield decoder.decode(chunk, { stream: true });
    }
    yield decoder.decode();
  } catch (error) {
    throw error instanceof TypeError ? new SheetTrouble(1, 'bad_encoding', '') : error;
  }
}

export const readCsv: SheetReader = async function* (file, { signal }) {
  const encoding = (await isUtf8(file, signal)) ? 'utf-8' : 'gb18030';
  const source = createReadStream(file, { signal });
  const parser = parse({ relax_column_count: true, max_record_size: LONGEST_RECORD });
  // Its trouble comes out of the parser, too.
  pipeline(
    source,
    (chunks) => decoded(chunks, encoding),
    parser,
    () => undefined,
  );
  let row = 0;
  try {
    for await (const cells of parser as AsyncIterable<string[]>) {
      row += 1;
      yield { row, cells, bytesRead: source.bytesRead };
    }
  } catch (error) {
    throw error instanceof CsvError ? new SheetTrouble(row + 1, 'bad_csv', error.code) : error;
  } finally {
    source.destroy();
    parser.destroy();
  }
};
