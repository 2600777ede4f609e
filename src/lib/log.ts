import { writeSync } from 'node:fs';
import { type Logger, pino } from 'pino';

export type { Logger };

/** pino's own destination writes to a full disk again and again, and keeps the process from ending. */
const standardError = {
  write(line: string): void {
    try {
      writeSync(2, line);
    } catch {
      // A log that cannot be written loses lines and stops nothing.
    }
  },
};

/** JSON lines on standard error, so that standard output stays free for what a command prints. */
export const createLog = (level: string): Logger =>
  pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, standardError);
