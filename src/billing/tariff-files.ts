import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { orThrow, readYaml } from '../lib/yaml-file.ts';
import { type Tariff, tariffContradictions, tariffSchema } from './tariff-schema.ts';

/** Reads one tariff. Throws with the file, line and column of everything that is wrong. */
export const parseTariff = (text: string, file: string): Tariff =>
  orThrow(readYaml(text, { schema: tariffSchema, contradictions: tariffContradictions }), file);

/** Reads all tariffs of a folder; the file's name is the tariff's name. */
export function loadTariffs(folder: string): Map<string, Tariff> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  return new Map(
    files.sort().map((name) => {
      const tariff = parseTariff(readFileSync(join(folder, name), 'utf8'), join(folder, name));
      if (tariff.tariff !== basename(name, '.yaml')) throw new Error(`${name}: tariff is named ${tariff.tariff}`);
      return [tariff.tariff, tariff];
    }),
  );
}
