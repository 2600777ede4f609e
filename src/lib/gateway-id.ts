import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newId } from './ids.ts';

/** The name of a gateway, made once and kept in its data folder. */
export function gatewayId(folder: string): string {
  const path = join(folder, 'gateway-id');
  if (existsSync(path)) {
    const known = readFileSync(path, 'utf8').trim();
    if (/^[A-Za-z0-9_-]{1,64}$/.test(known)) return known;
  }
  const id = newId('gateway');
  writeFileSync(`${path}.new`, `${id}\n`);
  renameSync(`${path}.new`, path);
  return id;
}
