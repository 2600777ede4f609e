import type { SpoolRecord } from '../segments.ts';

/**
 * Line protocol, the same for InfluxDB 1.x and 2.x: measurement `readings`, tag `terminal`, a field for each metric, milliseconds.
 * Whatever is not a letter, a digit, `_` or `-` is percent-encoded, so that no name can be more than a name in a line or a query.
 */

const PLAIN = /^[A-Za-z0-9_-]+$/;
/** The server has a column of that name already, or keeps such names for itself. */
const TAKEN = /^_|^(time|terminal)$/;

const percent = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;

/** The value of the tag for a terminal. */
export const tagOf = (terminalId: string): string =>
  PLAIN.test(terminalId)
    ? terminalId
    : encodeURIComponent(terminalId.toWellFormed()).replace(/[^A-Za-z0-9_%-]/g, percent);

/** The name of the field for a metric. */
export const fieldOf = (metric: string): string =>
  TAKEN.test(metric) ? percent(metric) + tagOf(metric.slice(1)) : tagOf(metric);

/** What a tag or field was made of. */
export const nameOf = (encoded: string): string => decodeURIComponent(encoded);

export function lineOf({ terminalId, time, values }: SpoolRecord): string {
  let fields = '';
  for (const metric in values) fields += `${fields && ','}${fieldOf(metric)}=${values[metric]}`;
  return `readings,terminal=${tagOf(terminalId)} ${fields} ${time}`;
}

/** A number of the store itself, which is overwritten each time. */
export const stateLine = (name: string, value: number): string => `state,name=${tagOf(name)} value=${value} 0`;
