import Table from 'cli-table3';

/** Tables for people; plain text, since they are pasted into reports. */
export function table(head: string[], rows: (string | number)[][]): string {
  const drawn = new Table({ head, style: { head: [], border: [], compact: true } });
  drawn.push(...rows);
  return `${drawn.toString()}\n`;
}

export const hex = (number: number, digits = 4): string => number.toString(16).padStart(digits, '0').toUpperCase();

/** Standard output is for results; what is said meanwhile goes to the other stream. */
export const print = (text: string): void => void process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
export const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Aborted by the first Ctrl-C; the second ends the process. */
export function interruptible(): { stop: AbortSignal } & Disposable {
  const controller = new AbortController();
  const abort = () => controller.abort();
  process.once('SIGINT', abort);
  return { stop: controller.signal, [Symbol.dispose]: () => void process.off('SIGINT', abort) };
}
