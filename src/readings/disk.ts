import { mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';

/** What the spool asks of a file system. Tests give it one that fails, or that forgets what was not synced. */

export interface DiskFile {
  /** May read less than `length`; 0 at the end. */
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  /** May write only a part, as on a full disk, and says so only by its count. */
  write(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesWritten: number }>;
  datasync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}

/** What could not be put on disk, and so is not acknowledged. */
export class NotKept extends Error {}

export interface Disk {
  makeFolder(path: string): Promise<void>;
  /** `w` makes a new file or empties an old one. */
  open(path: string, flags: 'r' | 'w'): Promise<DiskFile>;
  list(folder: string): Promise<string[]>;
  stat(path: string): Promise<{ size: number; mtimeMs: number }>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Names of new and removed files are only safe when their folder is synced too. */
  syncFolder(path: string): Promise<void>;
  /** Bytes that are free for us, and of the whole file system. */
  space(path: string): Promise<{ free: number; total: number }>;
}

export const realDisk: Disk = {
  makeFolder: async (path) => void (await mkdir(path, { recursive: true })),
  open,
  list: (folder) => readdir(folder),
  stat,
  rename,
  remove: (path) => rm(path, { force: true }),

  async syncFolder(path) {
    const folder = await open(path, 'r');
    await folder.sync().finally(() => folder.close());
  },

  async space(path) {
    const { bavail, blocks, bsize } = await statfs(path);
    return { free: bavail * bsize, total: blocks * bsize };
  },
};

export async function readWhole(disk: Disk, path: string): Promise<Buffer> {
  const { size } = await disk.stat(path);
  const file = await disk.open(path, 'r');
  try {
    const data = Buffer.alloc(size);
    for (let done = 0; done < size; ) {
      const { bytesRead } = await file.read(data, done, size - done, done);
      if (bytesRead === 0) return data.subarray(0, done);
      done += bytesRead;
    }
    return data;
  } finally {
    await file.close();
  }
}

/** Writes all of it and syncs it. */
export async function writeSynced(file: DiskFile, data: Buffer, position: number): Promise<void> {
  for (let done = 0; done < data.length; ) {
    done += (await file.write(data, done, data.length - done, position + done)).bytesWritten;
  }
  await file.datasync();
}
