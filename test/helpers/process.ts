import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { projectRoot } from '../../src/config.ts';
import { ADMIN, signIn } from './gateway.ts';
import { eventually } from './temp.ts';

/** The gateway as a process of its own, so that it can be killed. */

export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = once(child, 'exit');
  child.kill(signal);
  const [code] = await exit;
  return typeof code === 'number' ? code : null;
}

export interface Ports {
  http: number;
  mqtt: number;
}

export interface GatewayProcess extends AsyncDisposable {
  origin: string;
  mqttPort: number;
  pid: number;
  /** SIGKILL, as a power cut would. */
  kill(): Promise<void>;
  /** SIGTERM; the exit code. */
  stop(): Promise<number | null>;
}

/** Starts it, and does not wait until it is ready. `settings` are variables of the environment. */
export function launchGateway(
  folder: string,
  ports: Ports,
  settings: Record<string, string> = {},
): GatewayProcess & { ready(): Promise<void>; hasEnded(): boolean } {
  const child = spawn(process.execPath, [join(projectRoot, 'src/cli.ts'), 'start'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      HEARTHGATE_ADMIN_PASSWORD: ADMIN.password,
      HEARTHGATE_DATA__DIR: join(folder, 'data'),
      HEARTHGATE_HTTP__PORT: String(ports.http),
      HEARTHGATE_MQTT__PORT: String(ports.mqtt),
      HEARTHGATE_LOG__LEVEL: 'silent',
      ...settings,
    },
  });
  const origin = `http://127.0.0.1:${ports.http}`;
  return {
    origin,
    mqttPort: ports.mqtt,
    pid: child.pid ?? 0,
    async ready() {
      await eventually(async () => child.exitCode !== null || (await fetch(`${origin}/health/ready`)).ok, 60_000);
      if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}`);
    },
    hasEnded: () => child.exitCode !== null,
    kill: async () => void (await end(child, 'SIGKILL')),
    stop: () => end(child, 'SIGTERM'),
    [Symbol.asyncDispose]: async () => void (await end(child, 'SIGKILL')),
  };
}

export async function spawnGateway(...how: Parameters<typeof launchGateway>): Promise<GatewayProcess> {
  const gateway = launchGateway(...how);
  await gateway.ready();
  return gateway;
}

export const adminOf = ({ origin }: Pick<GatewayProcess, 'origin'>) => signIn(origin, ADMIN);
