import type { Zip } from '../lib/unzip.ts';
import { createXmlReader, type XmlEvents } from '../lib/xml.ts';

/** XML that lies in a ZIP. */

export async function readXml(zip: Zip, name: string, on: XmlEvents): Promise<void> {
  for await (const _ of xmlOf(zip, name, on));
}

/** Gives how much was read, after each part. */
export async function* xmlOf(zip: Zip, name: string, on: XmlEvents): AsyncGenerator<number> {
  const reader = createXmlReader(on);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const { bytes, read } of zip.content(name)) {
    reader.write(decoder.decode(bytes, { stream: true }));
    yield read;
  }
  reader.write(decoder.decode());
  reader.end();
}
