import { type Command, InvalidArgumentError, Option } from 'commander';
import type { FieldLanguage } from './words.ts';

/** `hearthgate modbus scan | read | try` and `hearthgate profile check`: for who stands before the devices. Nothing here writes to one. */

const LINE =
  'tcp://HOST:502, rtu+tcp://HOST:PORT, serial:///dev/ttyUSB0?baudRate=9600, listen://0.0.0.0:7000?registration=…';

const lang = () => new Option('--lang <language>', 'of what it says').choices(['zh', 'en']).default('zh');

const wholeFrom = (least: number, most: number) => (text: string) => {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new InvalidArgumentError(`write a whole number from ${least} to ${most}`);
};
const timeout = () => new Option('--timeout <ms>', 'how long an answer is waited for').argParser(wholeFrom(50, 30_000));

interface Common {
  lang: FieldLanguage;
  timeout?: number;
  json?: boolean;
}

/** What a person can mend is said in the language that they asked for. */
async function run(language: FieldLanguage, task: () => Promise<number>): Promise<void> {
  const { FieldError } = await import('./field-error.ts');
  try {
    process.exitCode = await task();
  } catch (error) {
    throw error instanceof FieldError ? new Error(error.sentence[language]) : error;
  }
}

function addScan(modbus: Command): void {
  modbus
    .command('scan <line>')
    .description(`look for the units of a line (${LINE})`)
    .option('--units <numbers>', 'such as 1-20,30', '1-247')
    .option('--functions <codes>', 'read functions that are tried, such as 3,4', '3')
    .addOption(timeout())
    .addOption(lang())
    .option('--json', 'print what was found for a program')
    .action(async (line: string, options: Common & { units: string; functions: string }) =>
      run(options.lang, async () => {
        const { scan } = await import('./scan.ts');
        return scan(line, { ...options, timeout: options.timeout, json: options.json ?? false });
      }),
    );
}

function addRead(modbus: Command, profiles: () => string): void {
  const command = modbus
    .command('read <line> <unit>')
    .description('read registers, raw, or by a profile with each value beside its registers')
    .option('--profile <profile>', 'its name in config/profiles, or the path of a file');
  for (const table of ['holding', 'input', 'coil', 'discrete']) {
    command.option(`--${table} <addresses>`, 'zero-based as on the wire, such as 0-20,100');
  }
  command
    .addOption(timeout())
    .addOption(lang())
    .option('--json', 'print what was read for a program')
    .action(async (line: string, unit: string, options: Common & Record<string, string>) =>
      run(options.lang, async () => {
        const { read } = await import('./read.ts');
        return read(line, unit, {
          ...options,
          profiles: profiles(),
          timeout: options.timeout,
          json: options.json ?? false,
        });
      }),
    );
}

function addTry(modbus: Command): void {
  modbus
    .command('try <file> <line> <unit>')
    .description(
      'check a profile’s file and read a device by it, as the gateway would; exit code 1 when anything is wrong',
    )
    .addOption(new Option('--watch <s>', 'read again every so many seconds').argParser(wholeFrom(1, 86_400)))
    .addOption(timeout())
    .addOption(lang())
    .option('--json', 'print each reading for a program')
    .action(async (file: string, lineText: string, unitText: string, options: Common & { watch?: number }) =>
      run(options.lang, async () => {
        const { tryProfile } = await import('./try.ts');
        const { watch, timeout: ms, lang: language, json = false } = options;
        return tryProfile({ file, lineText, unitText }, { watch, timeout: ms, lang: language, json });
      }),
    );
}

/** `profiles` gives the folder of the profiles in force. */
export function addFieldCommands(program: Command, profiles: () => string): void {
  const modbus = program.command('modbus').description('look at Modbus lines and devices; only reads');
  addScan(modbus);
  addRead(modbus, profiles);
  addTry(modbus);
  program
    .command('profile')
    .description('device types as files')
    .command('check <files...>')
    .description('every error with its line and column, then the examples; exit code 1 when anything is wrong')
    .addOption(lang())
    .option('--json', 'print what is wrong for a program')
    .action(async (files: string[], options: Common) =>
      run(options.lang, async () => {
        const { checkFiles } = await import('./profile-check.ts');
        return checkFiles(files, { lang: options.lang, json: options.json ?? false });
      }),
    );
}
