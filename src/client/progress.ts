/** How far long work is: a bar on a terminal, plain lines elsewhere. */

const WIDTH = 30;
/** Without a terminal, a line each time it is this much further. Percent. */
const STEP = 10;

export function createProgress(out: NodeJS.WriteStream) {
  let shown = '';
  let said = Number.NEGATIVE_INFINITY;
  let saidAbout = '';
  return {
    /** `part` is 0 to 1. */
    show(part: number, about: string): void {
      const percent = Math.floor(part * 100);
      if (out.isTTY) {
        const full = Math.round(part * WIDTH);
        const line = `[${'#'.repeat(full)}${'-'.repeat(WIDTH - full)}] ${String(percent).padStart(3)} %  ${about}`;
        if (line !== shown) out.write(`\r\u001B[2K${line}`);
        shown = line;
        return;
      }
      const word = about.split(' ')[0] ?? '';
      if (percent < said + STEP && word === saidAbout) return;
      said = percent;
      saidAbout = word;
      out.write(`${percent} % ${about}\n`);
    },
    end(): void {
      if (out.isTTY && shown !== '') out.write('\n');
    },
  };
}
