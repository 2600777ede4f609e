import { basename, dirname } from 'node:path';
import type { Disk, DiskFile } from '../../src/readings/disk.ts';

/**
 * A disk in memory that forgets like a real one. Writes live in its cache until they are synced; a power cut keeps any of those that were
 * not, whole, torn or in another order, and any of the names that were not synced with their folder. A failed sync drops what it should
 * have kept, as Linux does.
 */

interface Write {
  at: number;
  data: Buffer;
}

interface Content {
  /** What the process sees. */
  cache: Buffer;
  durable: Buffer;
  unsynced: Write[];
}

export type Kind = 'open' | 'write' | 'datasync' | 'rename' | 'remove' | 'syncFolder';

export interface Fault {
  kind: Kind;
  /** The first of its kind is 1. */
  nth: number;
  /** `freeze` is kill -9: it never comes back, nor does any later operation; `part` does half of it first. */
  effect: 'fail' | 'fail in part' | 'freeze before' | 'freeze in part' | 'freeze after';
}

function overlay(base: Buffer, { at, data }: Write): Buffer {
  const result = Buffer.alloc(Math.max(base.length, at + data.length));
  base.copy(result);
  data.copy(result, at);
  return result;
}

const errno = (code: string) => Object.assign(new Error(`${code}: played`), { code });

export class SimDisk implements Disk {
  names: Map<string, Content>;
  private durableNames: Map<string, Content>;
  private readonly counts = new Map<Kind, number>();
  private frozen = false;
  faults: Fault[] = [];
  full = false;

  constructor(names = new Map<string, Content>()) {
    this.names = names;
    this.durableNames = new Map(names);
  }

  count = (kind: Kind): number => this.counts.get(kind) ?? 0;

  /** A process that was killed finds everything as it left it. */
  afterKill = (): SimDisk => {
    const next = new SimDisk(this.names);
    next.durableNames = this.durableNames;
    return next;
  };

  /** What a power cut leaves; `random` gives numbers from 0 to below 1. */
  afterPowerCut(random: () => number): SimDisk {
    const names = new Map(this.durableNames);
    for (const path of new Set([...this.names.keys(), ...names.keys()])) {
      if (this.names.get(path) === names.get(path) || random() < 0.5) continue;
      const now = this.names.get(path);
      if (now) names.set(path, now);
      else names.delete(path);
    }
    const left = new Map<string, Content>();
    for (const [path, { durable, unsynced }] of names) {
      let bytes = durable;
      const survivors = unsynced.filter(() => random() < 0.5).sort(() => random() - 0.5);
      for (const write of survivors) {
        const length = random() < 0.5 ? write.data.length : Math.floor(random() * write.data.length);
        bytes = overlay(bytes, { at: write.at, data: write.data.subarray(0, length) });
      }
      left.set(path, { cache: bytes, durable: bytes, unsynced: [] });
    }
    return new SimDisk(left);
  }

  /** Runs an operation, unless its fault is due. */
  private async run<T>(kind: Kind, whole: () => T, part: () => unknown = () => undefined): Promise<T> {
    await Promise.resolve();
    if (this.frozen) return new Promise(() => undefined);
    const nth = this.count(kind) + 1;
    this.counts.set(kind, nth);
    const fault = this.faults.find((one) => one.kind === kind && one.nth === nth);
    if (!fault) return whole();
    if (fault.effect.endsWith('in part')) part();
    if (fault.effect === 'freeze after') whole();
    if (!fault.effect.startsWith('freeze')) throw errno('EIO');
    this.frozen = true;
    return new Promise(() => undefined);
  }

  makeFolder = async (): Promise<void> => undefined;
  list = async (folder: string): Promise<string[]> =>
    [...this.names.keys()].filter((path) => dirname(path) === folder).map((path) => basename(path));
  stat = async (path: string) => ({ size: this.content(path).cache.length, mtimeMs: 0 });
  space = async () => ({ free: this.full ? 0 : 1e12, total: 1e12 });

  private content(path: string): Content {
    const content = this.names.get(path);
    if (!content) throw errno('ENOENT');
    return content;
  }

  open = (path: string, flags: 'r' | 'w'): Promise<DiskFile> => {
    if (flags === 'r') return Promise.resolve(this.file(this.content(path)));
    return this.run('open', () => {
      const content = { cache: Buffer.alloc(0), durable: Buffer.alloc(0), unsynced: [] };
      this.names.set(path, content);
      return this.file(content);
    });
  };

  rename = (from: string, to: string): Promise<void> =>
    this.run('rename', () => {
      const content = this.content(from);
      this.names.delete(from);
      this.names.set(to, content);
    });

  remove = (path: string): Promise<void> => this.run('remove', () => void this.names.delete(path));

  syncFolder = (folder: string): Promise<void> =>
    this.run('syncFolder', () => {
      for (const path of [...this.durableNames.keys()])
        if (dirname(path) === folder && !this.names.has(path)) this.durableNames.delete(path);
      for (const [path, content] of this.names) if (dirname(path) === folder) this.durableNames.set(path, content);
    });

  private file(content: Content): DiskFile {
    const put = (buffer: Buffer, offset: number, length: number, at: number) => {
      const write = { at, data: Buffer.from(buffer.subarray(offset, offset + length)) };
      content.cache = overlay(content.cache, write);
      content.unsynced.push(write);
      return { bytesWritten: length };
    };
    const half = (length: number) => length >> 1;
    return {
      read: async (buffer, offset, length, position) => ({
        bytesRead: content.cache.copy(buffer, offset, position, position + length),
      }),
      write: (buffer, offset, length, position) =>
        this.run(
          'write',
          () => put(buffer, offset, length, position),
          () => put(buffer, offset, half(length), position),
        ),
      datasync: async () => {
        const wanted = content.unsynced;
        const keep = (some: Write[]) => {
          for (const write of some) content.durable = overlay(content.durable, write);
        };
        try {
          await this.run(
            'datasync',
            () => {
              keep(wanted);
              content.unsynced = content.unsynced.filter((write) => !wanted.includes(write));
            },
            () => keep(wanted.slice(0, half(wanted.length))),
          );
        } catch (error) {
          content.unsynced = [];
          throw error;
        }
      },
      truncate: async (bytes) => {
        content.cache = Buffer.from(content.cache.subarray(0, bytes));
      },
      close: async () => undefined,
    };
  }
}
