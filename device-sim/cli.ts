import { join } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { loadProfiles } from '../src/terminals/profile.ts';
import { type Fault, parseFault } from './faults.ts';
import { readFleet } from './fleet.ts';
import { type Fleet, startFleet } from './fleet-run.ts';
import { InputError } from './input-error.ts';

const statusEveryMs = 10_000;

interface Options {
  readonly fleet: string;
  readonly mqtt: string;
  readonly every: number;
  readonly state?: string;
  readonly weather?: string;
  readonly seed?: number;
  readonly fault: readonly Fault[];
  readonly refuse: number;
  readonly pastDays: number;
  readonly profiles: string;
  readonly withParent?: true;
}

function numberFrom(low: number, high: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (text.trim() === '' || !(number >= low && number <= high)) {
      throw new InvalidArgumentError(`A number from ${low} to ${high} is needed.`);
    }
    return number;
  };
}

function brokerUrl(text: string): string {
  if (!/^(mqtts?|tcp|tls|wss?):$/.test(URL.parse(text)?.protocol ?? '')) {
    throw new InvalidArgumentError('A URL such as mqtt://127.0.0.1:1883 is needed.');
  }
  return text;
}

const command = new Command('device-sim')
  .description(
    'A fleet of heating terminals that behave: houses, heaters and meters over MQTT, Modbus and DL/T 645 and CJ/T 188 (TCP, RTU over TCP, dial-in, serial).',
  )
  .requiredOption(
    '--fleet <file>',
    'the fleet: JSON {seed, terminals: [{id, profile, secret | line + unit | line or secret + address, house}]}',
  )
  .option('--mqtt <url>', 'the broker', brokerUrl, 'mqtt://127.0.0.1:1883')
  .option('--every <seconds>', 'between two readings of an MQTT terminal', numberFrom(0.1, 86_400), 15)
  .option('--state <file>', 'keeps counters, temperatures and switches between runs')
  .option('--weather <file>', 'writes the weather of the village there each minute, as JSON for a gateway')
  .option('--seed <n>', "instead of the fleet's own", numberFrom(-1e15, 1e15))
  .option(
    '--fault <kind=p[:s]>',
    'drop, duplicate, delay, reboot, clock; on lines also exception (its code for seconds), halfopen, unit, function, truncate, lie, glue, noise, echo: its probability and seconds; repeatable',
    (text: string, before: readonly Fault[]) => [...before, parseFault(text)],
    [],
  )
  .option('--refuse <p>', 'share of commands that terminals refuse', numberFrom(0, 1), 0)
  .option(
    '--past-days <days>',
    'new houses have lived for so long: MQTT terminals send first what their counters showed each day',
    numberFrom(0, 900),
    0,
  )
  .option('--profiles <folder>', 'device types', join(import.meta.dirname, '../config/profiles'))
  .option('--with-parent', 'ends when its parent does: when standard input or the IPC channel closes')
  .exitOverride();

function profilesIn(folder: string): ReturnType<typeof loadProfiles> {
  try {
    return loadProfiles(folder);
  } catch (error) {
    throw new InputError(`profiles: ${error instanceof Error ? error.message : error}`);
  }
}

/** Resolves when somebody asks for the end. */
function theEnd(withParent: boolean): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => resolve();
    process.on('SIGINT', end).on('SIGTERM', end);
    if (!withParent) return;
    // With an IPC channel, standard input may well be empty from the start.
    if (process.connected) process.on('disconnect', end);
    else process.stdin.on('end', end).on('close', end).on('error', end).resume();
    // A parent that was killed no longer reads what is written.
    process.stdout.on('error', end);
    process.stderr.on('error', end);
  });
}

function statusOf(fleet: Fleet): string {
  const { connected, mqttTerminals, readings, answers, commands } = fleet.counts();
  return `connected ${connected}/${mqttTerminals} · readings ${readings} · Modbus answers ${answers} · commands ${commands}`;
}

/** Says a trouble once per status line, and how often it came: a broker that is away would fill the screen. */
function createTroubleLog(): { note(text: string): void; take(): string } {
  let last = '';
  let times = 0;
  return {
    note(text) {
      last = text;
      times += 1;
    },
    take() {
      const said = times === 0 ? '' : ` · ${times} troubles, last: ${last}`;
      times = 0;
      return said;
    },
  };
}

async function run(options: Options): Promise<void> {
  const file = readFleet(options.fleet);
  const troubles = createTroubleLog();
  const end = theEnd(options.withParent ?? false);
  const fleet = await startFleet({
    fleet: { ...file, seed: options.seed ?? file.seed },
    profiles: profilesIn(options.profiles),
    mqttUrl: options.mqtt,
    everyS: options.every,
    statePath: options.state,
    weatherPath: options.weather,
    faults: options.fault,
    refuse: options.refuse,
    pastDays: options.pastDays,
    log: troubles.note,
  });
  console.log(`device-sim: ${file.terminals.length} terminals, broker ${options.mqtt}`);
  const status = setInterval(() => console.log(statusOf(fleet) + troubles.take()), statusEveryMs);
  await end;
  clearInterval(status);
  const last = statusOf(fleet);
  await fleet[Symbol.asyncDispose]();
  console.log(`device-sim: stopped · ${last}`);
}

function exitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  console.error(`device-sim: ${error instanceof Error ? error.message : error}`);
  return error instanceof InputError ? 2 : 1;
}

try {
  command.parse();
  await run(command.opts<Options>());
  process.exit(0);
} catch (error) {
  process.exit(exitCode(error));
}
