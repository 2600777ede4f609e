import { rfc3339 } from '../lib/calendar.ts';
import { pause, systemClock } from '../lib/clock.ts';
import { LineDown } from '../lines/line.ts';
import { unitTrouble } from './field-error.ts';
import { print, say } from './output.ts';
import { checkFile, printChecked } from './profile-check.ts';
import { modbusProfile, onLine, parseUnit } from './read.ts';
import { type ProfileRead, readByProfile } from './read-profile.ts';
import { plain, printMetrics, printRequests, troublesIn } from './report.ts';
import { type FieldLanguage, WORDS, type Words } from './words.ts';

/** Tries a profile on a device: the file, its examples, and what the device says by it. Never writes. */

export interface TryOptions {
  /** Seconds; without it the device is read once. */
  watch: number | undefined;
  timeout: number | undefined;
  lang: FieldLanguage;
  json: boolean;
}

function printReading(reading: ProfileRead, words: Words): void {
  printMetrics(reading, words);
  printRequests(reading, words);
  if (reading.error !== undefined) print(words.tornOff(words.said(unitTrouble(reading.error))));
  const troubles = troublesIn(reading);
  print(troubles === 0 ? words.allWell : words.troubles(troubles));
}

/** Resolves when the time is over or `stop` is aborted. */
async function until(ms: number, stop: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stop.addEventListener('abort', () => resolve(), { once: true });
  if (!stop.aborted) await pause(systemClock, ms, promise);
}

/** Gives the exit code: 1 when anything is wrong, also in one of several readings. */
export async function tryProfile(
  { file, lineText, unitText }: { file: string; lineText: string; unitText: string },
  { watch, timeout, lang, json }: TryOptions,
): Promise<number> {
  const words = WORDS[lang];
  const unit = parseUnit(unitText);
  const checked = checkFile(file, lang);
  const { errors, profile: good } = checked;
  if (json && !good) print(JSON.stringify({ file, errors }));
  if (!json) printChecked(checked, words);
  if (!good) return 1;
  const profile = modbusProfile(good, file, words);
  let wrong = errors.length > 0;
  const code = await onLine({ lineText, words, timeout }, async ({ line, ready }, stop) => {
    for (;;) {
      const reading = await readByProfile(line, unit, profile);
      if (reading.error instanceof LineDown) throw reading.error;
      if (troublesIn(reading) > 0) wrong = true;
      if (watch !== undefined && !json) print(rfc3339(systemClock.now()));
      if (json) print(JSON.stringify({ file, line: lineText, unit, errors, ...plain(reading) }));
      else printReading(reading, words);
      if (watch === undefined) break;
      await until(watch * 1_000, stop);
      if (stop.aborted) break;
      await ready();
    }
    return wrong ? 1 : 0;
  });
  if (code === undefined) say(words.stopped);
  return code ?? 130;
}
