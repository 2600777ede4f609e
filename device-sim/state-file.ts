import { mkdirSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { type House, houseSchema } from './house.ts';
import { InputError } from './input-error.ts';

const stateSchema = z.strictObject({ houses: z.array(houseSchema) });

/** The houses as they were saved; none when there is no file yet. */
export function readState(path: string): House[] {
  mkdirSync(dirname(path), { recursive: true });
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  try {
    return stateSchema.parse(JSON.parse(text)).houses;
  } catch {
    throw new InputError(`state file ${path} is damaged or of another version: remove it to begin afresh`);
  }
}

/** Saves one state after another, each whole or not at all. */
export function createStateFile(path: string, houses: () => House[]): { save(): Promise<void> } {
  let last: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    const draft = `${path}.${process.pid}.tmp`;
    await writeFile(draft, JSON.stringify({ houses: houses() }));
    await rename(draft, path);
  };
  return {
    save() {
      last = last.catch(() => undefined).then(write);
      return last;
    },
  };
}
