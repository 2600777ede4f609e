import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectAsync, type IClientOptions } from 'mqtt';
import { expect, test } from 'vitest';
import { projectRoot } from '../../src/config.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { connectTerminal, makeTerminal, startTestGateway, type TestTerminal } from '../helpers/gateway.ts';
import { noMosquitto, startMosquitto } from '../helpers/servers.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

/** What `hearthgate broker export` writes, as a real Mosquitto takes it. */

const ACCOUNT = { username: 'gateways', password: 'a-long-password' };

const exportTo = (kind: string, folder: string, data: string) =>
  execFileSync(process.execPath, [join(projectRoot, 'src/cli.ts'), 'broker', 'export', `--${kind}`, folder], {
    encoding: 'utf8',
    env: {
      ...process.env,
      HEARTHGATE_DATA__DIR: data,
      HEARTHGATE_LOG__LEVEL: 'silent',
      HEARTHGATE_MQTT__EXTERNAL__USERNAME: ACCOUNT.username,
      HEARTHGATE_MQTT__EXTERNAL__PASSWORD: ACCOUNT.password,
    },
  });

async function world() {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const gateway = stack.use(await startTestGateway({ folder: folder.path }));
  const hub = await makeTerminal(gateway.admin, { id: 'HUB', profile: 'gas-boiler' });
  const child = await makeTerminal(gateway.admin, {
    id: 'CHILD',
    profile: 'gas-boiler',
    connection: { type: 'mqtt', via: 'HUB' },
  });
  const other = await makeTerminal(gateway.admin, { id: 'OTHER', profile: 'gas-boiler' });
  return {
    path: folder.path,
    data: join(folder.path, 'data'),
    hub,
    child,
    other,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test('Mosquitto lets each terminal in with its secret, and to its own topics and those of whom it speaks for only', async ({
  skip,
}) => {
  skip(noMosquitto !== undefined, noMosquitto);
  await using made = await world();
  const { hub, child, other } = made;
  const files = join(made.path, 'mosquitto');
  expect(exportTo('mosquitto', files, made.data)).toContain('3 terminals');
  const port = await freePort();
  await using broker = await startMosquitto(made.path, port, [
    'allow_anonymous false',
    `password_file ${files}/passwords`,
    `acl_file ${files}/acl`,
  ]);
  const login = ({ id, secret }: TestTerminal, options?: IClientOptions) =>
    connectTerminal({ mqttPort: port }, { id, secret }, options);
  await expect(login({ ...hub, secret: other.secret })).rejects.toThrow(/not authori[sz]ed/i);
  await expect(login({ id: 'NOBODY', secret: hub.secret })).rejects.toThrow(/not authori[sz]ed/i);

  const heard: string[] = [];
  const gateways = await connectAsync(broker.url, { ...ACCOUNT, protocolVersion: 5 });
  gateways.on('message', (topic) => heard.push(topic));
  await gateways.subscribeAsync(['$share/hearthgate/terminals/+/readings', '$share/hearthgate/terminals/+/status'], {
    qos: 1,
  });
  await (await login(child)).endAsync();
  // On a connection each: Mosquitto ends one that publishes what it may not.
  async function say(as: TestTerminal, id: string): Promise<void> {
    const client = await login(as);
    await client.publishAsync(`terminals/${id}/status`, '{}', { qos: 0 });
    await client.endAsync();
  }
  for (const id of ['CHILD', 'OTHER', 'HUB']) await say(hub, id);
  for (const id of ['CHILD', 'HUB', 'OTHER']) await say(other, id);
  await eventually(() => heard.length >= 3);
  expect(heard.sort()).toEqual(['CHILD', 'HUB', 'OTHER'].map((id) => `terminals/${id}/status`));

  const ofHub = await login(hub);
  const ofOther = await login(other);
  const got: string[] = [];
  for (const [name, client] of [
    ['HUB', ofHub],
    ['OTHER', ofOther],
  ] as const) {
    client.on('message', (topic) => got.push(`${name} ${topic}`));
    await client
      .subscribeAsync(['#', 'terminals/+/commands', 'terminals/CHILD/commands', `terminals/${name}/commands`], {
        qos: 1,
      })
      .catch(() => undefined);
  }
  for (const id of ['CHILD', 'HUB', 'OTHER']) await gateways.publishAsync(`terminals/${id}/commands`, '{}', { qos: 1 });
  await eventually(() => got.some((one) => one === 'OTHER terminals/OTHER/commands'));
  expect([...new Set(got)].sort()).toEqual([
    'HUB terminals/CHILD/commands',
    'HUB terminals/HUB/commands',
    'OTHER terminals/OTHER/commands',
  ]);
  for (const client of [gateways, ofHub, ofOther]) await client.endAsync();
});

test('EMQX is given SHA-256 in hexadecimal and rules that end with a refusal', async () => {
  await using made = await world();
  const files = join(made.path, 'emqx');
  exportTo('emqx', files, made.data);
  const users = await readFile(join(files, 'users.csv'), 'utf8');
  const hash = createHash('sha256').update(made.hub.secret).digest('hex');
  expect(users.split('\n')).toContain(`HUB,${hash},,false`);
  const rules = (await readFile(join(files, 'acl.conf'), 'utf8')).trim().split('\n');
  expect(rules.at(-1)).toBe('{deny, all}.');
  expect(rules.join('\n')).toContain(
    '{allow, {username, "HUB"}, subscribe, ["terminals/CHILD/commands", "terminals/CHILD/frames/requests"]}.',
  );
  expect(rules.join('\n')).not.toContain('"#"');
});
