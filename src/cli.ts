#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { join } from 'node:path';
import closeWithGrace from 'close-with-grace';
import { Command, Option } from 'commander';
import { type Config, loadConfig, ownAddress, projectRoot, shownConfig } from './config.ts';
import { addFieldCommands } from './field/commands.ts';
import { systemClock } from './lib/clock.ts';
import { createLog, type Logger } from './lib/log.ts';
import { LANGUAGES } from './lib/text.ts';

/** `hearthgate start | demo | doctor | config | import | audit | broker | modbus | profile` */

const STOP_WITHIN_MS = 10_000;

// Compiling is a good third of a start, and comes out the same each time. Where the folder cannot be written, nothing is kept.
enableCompileCache(join(projectRoot, 'node_modules/.cache/hearthgate'));

/** A setting that is wrong is the operator's to mend: the sentence, without a stack. */
function configOrExit(): Config {
  try {
    return loadConfig();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exit(2);
  }
}

/** From a fresh clone the console is built at the first start; an image brings it, and has no tools to build it with. */
async function buildConsoleOnce(log: Logger): Promise<void> {
  if (existsSync(join(projectRoot, 'dist/console/index.html'))) return;
  const { buildConsoleIfStale } = await import('./demo/console-build.ts');
  await buildConsoleIfStale((text) => log.info(text)).catch((error) =>
    log.warn({ reason: String(error) }, 'the console could not be built; everything else works'),
  );
}

async function start(): Promise<void> {
  const config = configOrExit();
  const log = createLog(config.log.level);
  await buildConsoleOnce(log);
  // Only now, so that the other commands work where a part of the gateway cannot be loaded.
  const { startGateway } = await import('./main.ts');
  const gateway = await startGateway(config, { clock: systemClock, log });
  log.info({ http: gateway.httpPort, mqtt: gateway.mqttPorts, data: config.data.dir }, 'ready');
  // Now, since a gateway that is killed would keep nothing.
  flushCompileCache();
  if (gateway.setupUrl) process.stdout.write(`No user yet. Make the first admin, once: ${gateway.setupUrl}\n`);
  closeWithGrace({ delay: STOP_WITHIN_MS, logger: false }, async ({ err }) => {
    if (err) log.fatal({ err }, 'a bug: stopping');
    await gateway[Symbol.asyncDispose]();
    log.info('stopped');
  });
}

const program = new Command('hearthgate').description('Gateway between household heating terminals and people');
program.command('start').description('run the gateway').action(start);
program
  .command('demo')
  .description('run the gateway with a simulated township')
  .option('-n, --terminals <number>', 'how many terminals', '200')
  .option('--data <folder>', 'where the demo keeps its data', './data/demo')
  .option('--reset', 'begin anew: delete the demo’s data first')
  .option('--weather', 'let the village’s winter count for the policy: what it is too cold for is held')
  .action(async (options) => (await import('./demo/demo.ts')).demo(options));
program
  .command('doctor')
  .description('look at everything that the gateway needs, and say what is wrong')
  .addOption(new Option('--lang <language>', 'of what it says').choices(LANGUAGES).default('zh'))
  .option('--json', 'print the findings for a program')
  .action(async ({ lang, json = false }) => {
    const { doctor } = await import('./doctor/report.ts');
    process.exitCode = await doctor({ language: lang, json });
  });
program
  .command('config')
  .description('print the configuration in force')
  .action(() => {
    process.stdout.write(`${JSON.stringify(shownConfig(configOrExit()), null, 2)}\n`);
  });

const importing = program.command('import').description('bring a file into a gateway that runs');
for (const kind of ['terminals', 'households'] as const) {
  const command = importing
    .command(`${kind} <file>`)
    .description(`${kind} from a CSV or XLSX file: all of them, or none when the file has errors; exit code 1 then`)
    .option('--dry-run', 'only check')
    .option('--errors <file>', 'save the list of errors there, as CSV')
    .addOption(
      new Option('--url <url>', 'of the gateway; by default the one that the configuration names').env(
        'HEARTHGATE_URL',
      ),
    )
    .addOption(new Option('--key <key>', 'API key of an admin or a company').env('HEARTHGATE_API_KEY'))
    .addOption(new Option('--lang <language>', 'of what it says').choices(LANGUAGES).default('zh'))
    .option('--json', 'print the result for a program');
  if (kind === 'terminals') {
    command
      .option('--unclaimed', 'the terminals wait to be claimed where they are installed')
      .option('--credentials <file>', 'save the new terminals’ secrets there; they are shown this once');
  }
  command.action(async (file, { dryRun = false, unclaimed = false, json = false, lang, key, url, ...files }) => {
    if (!key) throw new Error('give an API key by --key or HEARTHGATE_API_KEY; POST /api/v1/api-keys makes one');
    const { importFile } = await import('./client/import-file.ts');
    const { http } = url ? { http: undefined } : configOrExit();
    const address = url ?? `http://${ownAddress(http?.host ?? '')}:${http?.port}`;
    const options = { kind, file, url: address, key, dryRun, unclaimed, json, language: lang };
    process.exitCode = await importFile({ ...options, credentials: files.credentials, errors: files.errors });
  });
}
program
  .command('audit')
  .description('the record of who did what')
  .command('verify')
  .description('look through it, also beside a running gateway, and say what was changed and where; exit code 1 then')
  .addOption(new Option('--lang <language>', 'of what it says').choices(LANGUAGES).default('zh'))
  .option('--json', 'print the result for a program')
  .action(async ({ lang, json = false }) => {
    const { reportAudit } = await import('./doctor/audit-report.ts');
    process.exitCode = await reportAudit(configOrExit(), { language: lang, json });
  });
program
  .command('broker')
  .description('a broker of another maker')
  .command('export')
  .description('write who may log in and what each may publish, from the registry')
  .addOption(
    new Option('--mosquitto <folder>', 'password file, rules and, once, settings of Mosquitto 2').conflicts('emqx'),
  )
  .option('--emqx <folder>', 'users and rules of EMQX 5')
  .action(async (target) => {
    if (!target.mosquitto && !target.emqx) throw new Error('say --mosquitto <folder> or --emqx <folder>');
    const config = configOrExit();
    const { exportBroker } = await import('./mqtt/export.ts');
    process.stdout.write(`${await exportBroker(config, target, createLog(config.log.level))}\n`);
  });

addFieldCommands(program, () => configOrExit().files.profiles);

/** What a person can mend is said as such. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return `${error.message}: ${error.cause.message}`;
  const taken = 'code' in error && error.code === 'EADDRINUSE';
  return taken ? `${error.message}; choose another by HEARTHGATE_HTTP__PORT or HEARTHGATE_MQTT__PORT` : error.message;
}

// Whoever reads what a command prints may stop at any line, as `head` does.
process.stdout.on('error', () => process.exit());

await program.parseAsync().catch((error) => {
  process.stderr.write(`${sentenceOf(error)}\n`);
  process.exit(1);
});
