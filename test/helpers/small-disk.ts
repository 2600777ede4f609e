import { spawnSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempFolder } from './temp.ts';

export const NO_SMALL_DISK = 'a file system of its own can only be mounted by root';

/** A disk of some megabytes, on which nothing can be written when it is `ro`; undefined where it cannot be mounted. */
export async function smallDisk(megabytes: number, access: 'rw' | 'ro' = 'rw') {
  const folder = await tempFolder();
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `${access},size=${megabytes}m`, 'tmpfs', folder.path]);
  if (status !== 0) return undefined;
  const ballast = join(folder.path, 'ballast');
  return {
    path: folder.path,
    /** Fills it up to some bytes. */
    fill(left: number): void {
      const { bavail, bsize } = statfsSync(folder.path);
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - left)));
    },
    free: () => rmSync(ballast),
    async [Symbol.asyncDispose](): Promise<void> {
      spawnSync('umount', ['-l', folder.path]);
      await folder[Symbol.asyncDispose]();
    },
  };
}
