import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Config, databaseOf } from '../config.ts';
import { openDatabase } from '../db/database.ts';
import { hashSecret } from '../lib/ids.ts';
import type { Logger } from '../lib/log.ts';
import { brokerHash } from '../terminals/broker-hash.ts';
import { loadTerminals, type TerminalMemory } from '../terminals/memory.ts';
import { loadProfiles } from '../terminals/profile.ts';
import type { Terminal } from '../terminals/registry.ts';
import { type Account, accountOf } from './external/account.ts';
import { DOWN_TOPICS, UP_TOPICS } from './topics.ts';

/** Who may log in to a broker of another maker, and publish and subscribe what there: as the contract says, and nothing else. */

interface Concentrator {
  id: string;
  /** The terminals for which it speaks. */
  others: string[];
}

const upTopics = (id: string): string[] => UP_TOPICS.map((what) => `terminals/${id}/${what}`);
const downTopics = (id: string): string[] => DOWN_TOPICS.map((what) => `terminals/${id}/${what}`);
const DIGESTS = 'hearthgate/gateways/+/digest';

/** Secrets are in these files as hashes; still nobody else needs them. */
function write(folder: string, name: string, text: string): void {
  const path = join(folder, name);
  writeFileSync(`${path}.new`, text, { mode: 0o640 });
  renameSync(`${path}.new`, path);
}

const isMqtt = ({ connection, secretHash }: Terminal): boolean => connection.type === 'mqtt' && secretHash !== null;

function concentratorsOf(memory: TerminalMemory): Concentrator[] {
  const others = new Map<string, string[]>();
  for (const terminal of memory.terminals.values()) {
    const via = terminal.connection.type === 'mqtt' ? terminal.connection.via : undefined;
    if (via === undefined || !memory.speaksFor(via, terminal)) continue;
    others.set(via, [...(others.get(via) ?? []), terminal.id]);
  }
  return [...others].map(([id, ids]) => ({ id, others: ids }));
}

function mosquittoRules(account: Account, concentrators: Concentrator[]): string {
  const lines = [
    '# Written by `hearthgate broker export`; changes are lost with the next.',
    `user ${account.username}`,
    ...upTopics('+').map((topic) => `topic read ${topic}`),
    ...downTopics('+').map((topic) => `topic write ${topic}`),
    `topic readwrite ${DIGESTS}`,
    '',
    ...upTopics('%u').map((topic) => `pattern write ${topic}`),
    ...downTopics('%u').map((topic) => `pattern read ${topic}`),
  ];
  for (const { id, others } of concentrators) {
    lines.push('', `user ${id}`);
    for (const other of others) {
      lines.push(...upTopics(other).map((topic) => `topic write ${topic}`));
      lines.push(...downTopics(other).map((topic) => `topic read ${topic}`));
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Terminals log in at one listener, where nobody can take another's client id, and gateways at the other. */
const mosquittoSettings = (
  folder: string,
  receiveMaximum: number,
): string => `# Written once by \`hearthgate broker export\`; yours to change.
persistence true
persistence_location /var/lib/mosquitto/
# What waits for the gateways must not be dropped, and 0 is no limit.
max_queued_messages 0
max_inflight_messages ${receiveMaximum}
set_tcp_nodelay true

allow_anonymous false
password_file ${folder}/passwords
acl_file ${folder}/acl

listener 1883
use_username_as_clientid true

listener 1884 127.0.0.1
`;

function exportMosquitto(folder: string, memory: TerminalMemory, account: Account, receiveMaximum: number) {
  mkdirSync(folder, { recursive: true });
  const terminals = [...memory.terminals.values()].filter(isMqtt);
  const known = terminals.flatMap(({ id, brokerHash: hash }) => (hash === null ? [] : [`${id}:${hash}`]));
  write(folder, 'passwords', `${[`${account.username}:${brokerHash(account.password)}`, ...known].join('\n')}\n`);
  write(folder, 'acl', mosquittoRules(account, concentratorsOf(memory)));
  try {
    writeFileSync(join(folder, 'mosquitto.conf'), mosquittoSettings(folder, receiveMaximum), { flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return {
    terminals: known.length,
    without: terminals.filter((terminal) => terminal.brokerHash === null).map(({ id }) => id),
  };
}

/** EMQX's placeholder for who asks. */
const EMQX_USER = ['$', '{username}'].join('');

const erlang = (topics: string[]): string => `[${topics.map((topic) => JSON.stringify(topic)).join(', ')}]`;

function emqxRules({ username }: Account, concentrators: Concentrator[]): string {
  const of = (name: string) => `{username, ${JSON.stringify(name)}}`;
  const lines = [
    '%% Written by `hearthgate broker export`; changes are lost with the next.',
    `{allow, ${of(username)}, subscribe, ${erlang([...upTopics('+'), DIGESTS])}}.`,
    `{allow, ${of(username)}, publish, ${erlang([...downTopics('+'), DIGESTS])}}.`,
    ...concentrators.flatMap(({ id, others }) => [
      `{allow, ${of(id)}, publish, ${erlang(others.flatMap(upTopics))}}.`,
      `{allow, ${of(id)}, subscribe, ${erlang(others.flatMap(downTopics))}}.`,
    ]),
    `{allow, all, publish, ${erlang(upTopics(EMQX_USER))}}.`,
    `{allow, all, subscribe, ${erlang(downTopics(EMQX_USER))}}.`,
    '{deny, all}.',
  ];
  return `${lines.join('\n')}\n`;
}

/** EMQX writes SHA-256 in hexadecimal. */
const hex = (hash: string): string => Buffer.from(hash, 'base64url').toString('hex');

function exportEmqx(folder: string, memory: TerminalMemory, account: Account) {
  mkdirSync(folder, { recursive: true });
  const terminals = [...memory.terminals.values()].filter(isMqtt);
  const users = [
    { id: account.username, hash: hashSecret(account.password) },
    ...terminals.map(({ id, secretHash }) => ({ id, hash: secretHash ?? '' })),
  ];
  const lines = users.map(({ id, hash }) => `${id},${hex(hash)},,false`);
  write(folder, 'users.csv', `${['user_id,password_hash,salt,is_superuser', ...lines].join('\n')}\n`);
  write(folder, 'acl.conf', emqxRules(account, concentratorsOf(memory)));
  return { terminals: terminals.length, without: [] as string[] };
}

/** `hearthgate broker export`: reads the registry, beside a running gateway too. Throws when the gateways' account is not set. */
export async function exportBroker(
  config: Config,
  target: { mosquitto?: string; emqx?: string },
  log: Logger,
): Promise<string> {
  const { external } = config.mqtt;
  const account = accountOf(external);
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(account.username) || !account.password) {
    throw new Error(
      'set mqtt.external.username (letters, digits, - and _) and password first: the gateways’ own account',
    );
  }
  await using db = await openDatabase(databaseOf(config), log);
  const profiles = loadProfiles(config.files.profiles);
  const memory = await loadTerminals({ db, profiles });
  if (memory.terminals.has(account.username))
    throw new Error(`${account.username} is a terminal; the gateways need another name`);
  const folder = resolve(target.mosquitto ?? target.emqx ?? '.');
  const { terminals, without } = target.mosquitto
    ? exportMosquitto(folder, memory, account, external.receiveMaximum)
    : exportEmqx(folder, memory, account);
  const missing =
    without.length > 0
      ? `\n${without.length} are left out, since their secrets are older than this form of their hash; give them new ones: ${without.slice(0, 20).join(', ')}${without.length > 20 ? ' …' : ''}`
      : '';
  return `${terminals} terminals and the gateways’ account ${account.username} are in ${folder}${missing}`;
}
