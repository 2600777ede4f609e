import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Database, DatabaseOrTransaction } from '../db/database.ts';
import type { Logger } from '../lib/log.ts';
import { LOGINS } from './dialects.ts';
import type { Terminal } from './registry.ts';

/**
 * Secrets of terminals that sign with them when they connect: a hash cannot check a signature. Sealed with AES-256-GCM by the key of this
 * installation, which lies in the data folder and in no database; bound to the terminal's id, so that rows cannot be exchanged.
 */

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

function seal(key: Buffer, id: string, secret: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(id));
  const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
}

/** Undefined when it was sealed for another terminal or with another key. */
function unseal(key: Buffer, id: string, text: string): string | undefined {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
      .setAAD(Buffer.from(id))
      .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    const sealed = bytes.subarray(NONCE_BYTES + TAG_BYTES);
    return Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}

async function write(handle: FileHandle, bytes: Buffer): Promise<void> {
  await handle.writeFile(bytes);
  await handle.sync();
}

/** The installation's key, made at the first start. Throws when the file is no key, or others may read it. */
async function openKey(file: string): Promise<Buffer> {
  const key = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (key) {
    if (key.length !== KEY_BYTES) throw new Error(`${file} has ${key.length} bytes, and a key has ${KEY_BYTES}`);
    if (((await stat(file)).mode & 0o077) !== 0) throw new Error(`${file} can be read by others: chmod 600 ${file}`);
    return key;
  }
  const made = randomBytes(KEY_BYTES);
  const { O_CREAT, O_TRUNC, O_WRONLY } = constants;
  {
    await using handle = await open(`${file}.new`, O_CREAT | O_TRUNC | O_WRONLY, 0o600);
    await handle.chmod(0o600);
    await write(handle, made);
  }
  await rename(`${file}.new`, file);
  await using folder = await open(dirname(file), 'r');
  await folder.sync();
  return made;
}

/** `file` is the key's. */
export async function openSealedSecrets(file: string, { db, log }: { db: Database; log: Logger }) {
  const key = await openKey(file);
  const rows = await db.selectFrom('sealedSecrets').selectAll().execute();
  const sealed = new Map(rows.map((row) => [row.terminalId, row.sealed]));
  const lost = rows.filter((row) => unseal(key, row.terminalId, row.sealed) === undefined).length;
  if (lost > 0) log.error({ lost, file }, 'secrets of terminals were sealed with another key: give them new ones');

  return {
    /** Writes the secret of a terminal that signs in the terminal's own transaction; call what it returns when that is through. */
    async keep(
      transaction: DatabaseOrTransaction,
      { id: terminalId, profile }: Pick<Terminal, 'id' | 'profile'>,
      secret: string,
    ): Promise<() => void> {
      if (LOGINS[profile.dialect] !== 'signature') return () => undefined;
      const row = { terminalId, sealed: seal(key, terminalId, secret) };
      await transaction
        .insertInto('sealedSecrets')
        .values(row)
        .onConflict((conflict) => conflict.column('terminalId').doUpdateSet({ sealed: row.sealed }))
        .execute();
      return () => void sealed.set(terminalId, row.sealed);
    },

    async forget(terminalId: string): Promise<void> {
      if (!sealed.has(terminalId)) return;
      await db.deleteFrom('sealedSecrets').where('terminalId', '=', terminalId).execute();
      sealed.delete(terminalId);
    },

    secretOf(terminalId: string): string | undefined {
      const text = sealed.get(terminalId);
      return text === undefined ? undefined : unseal(key, terminalId, text);
    },
  };
}
export type SealedSecrets = Awaited<ReturnType<typeof openSealedSecrets>>;
