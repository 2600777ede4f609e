import type { FileImport } from '../../src/http/schemas/provisioning.ts';
import { eventually } from './temp.ts';

/** Files of terminals and households, as a program brings them. */

export interface Importer {
  origin: string;
  token: string;
}

export async function upload(
  { origin, token }: Importer,
  file: string | Uint8Array<ArrayBuffer>,
  query = '',
  kind: FileImport['kind'] = 'terminals',
) {
  const response = await fetch(`${origin}/api/v1/${kind}/import${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'text/csv' },
    body: file,
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as FileImport };
}

/** The import when it has ended, however it did. */
export const finished = ({ origin, token }: Importer, { id }: FileImport, withinMs = 10_000): Promise<FileImport> =>
  eventually(async () => {
    const response = await fetch(`${origin}/api/v1/imports/${id}`, { headers: { authorization: `Bearer ${token}` } });
    const now = (await response.json()) as FileImport;
    return now.finishedAt !== null && now;
  }, withinMs);
