import { type Logger, pino } from 'pino';

export type { Logger };

/** JSON lines on standard error, so that standard output stays free for what a command prints. */
export const createLog = (level: string): Logger =>
  pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
