import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { projectRoot } from '../../src/config.ts';
import type { FindingState } from '../../src/doctor/finding.ts';

/** The doctor as a person calls it. */

interface Said {
  name: string;
  state: FindingState;
  detail: string;
  remedy: string | null;
}

export async function runDoctor(dataFolder: string, settings: Record<string, string> = {}, args: string[] = []) {
  const child = spawn(process.execPath, [join(projectRoot, 'src/cli.ts'), 'doctor', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      HEARTHGATE_DATA__DIR: dataFolder,
      HEARTHGATE_HTTP__PORT: '0',
      HEARTHGATE_MQTT__PORT: '0',
      ...settings,
    },
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return { output, code: Number(code) };
}

/** What it finds, by name, in English. */
export async function diagnosis(dataFolder: string, settings: Record<string, string> = {}) {
  const { output, code } = await runDoctor(dataFolder, settings, ['--json', '--lang', 'en']);
  const findings = JSON.parse(output) as Said[];
  return {
    code,
    findings,
    of: (name: string) => findings.find((one) => one.name === name),
    notOk: findings.filter(({ state }) => state !== 'ok').map(({ name, state }) => `${name} ${state}`),
  };
}
