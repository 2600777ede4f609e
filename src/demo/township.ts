import type { Area, Company, Household, Session, User } from '../http/schemas/people.ts';
import type { Connection } from '../http/schemas/terminals.ts';
import { newSecret } from '../lib/ids.ts';
import { freePort } from './free-port.ts';
import { EMERGENCY_CREDIT, isPrepaid, termsSince } from './money.ts';

/** Makes a township through the gateway's own API, as an installer would: households, their tariffs, terminals, users, deposits. */

/** 襄陵镇 in 襄汾县, with its real villages; the people are invented. */
const TOWNSHIP = '141023105';
const SURNAMES = '王李张刘陈杨赵黄周吴徐孙马朱胡郭何高林罗';
const GIVEN = [
  '秀英',
  '建国',
  '桂兰',
  '志强',
  '玉梅',
  '文斌',
  '海燕',
  '俊杰',
  '春花',
  '国庆',
  '小红',
  '永胜',
  '丽华',
  '明亮',
];
const HOUSES_A_LINE = 20;
/** Of so many houses, one has paid its deposit. */
const DEPOSIT_EVERY = 6;
const AT_ONCE = 8;

/** The terminals of a house, by how it is heated. */
const HEATING = [
  ['gas-boiler', 'gas-meter'],
  ['gas-boiler', 'gas-meter'],
  ['midea-m-thermal', 'eastron-sdm120'],
  ['electric-heater'],
  ['electric-heater'],
] as const;
const MODBUS = new Set<string>(['midea-m-thermal', 'eastron-sdm120']);

export interface Login {
  role: User['role'];
  username: string;
  password: string;
}

/** What the simulator needs to be these terminals. */
export interface Fleet {
  seed: number;
  terminals: {
    id: string;
    profile: string;
    house: string;
    secret?: string;
    line?: Extract<Connection, { type: 'modbus' }>['line'];
    unit?: number;
  }[];
}

export type Api = <T>(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown) => Promise<T>;

/** Calls the API at `origin`; throws with what the gateway answered when it refuses. */
export async function signIn(origin: string, { username, password }: Omit<Login, 'role'>): Promise<Api> {
  let token = '';
  const call: Api = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${origin}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        'idempotency-key': newSecret(),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  token = (await call<Session>('POST', '/sessions', { username, password })).token;
  return call;
}

interface House {
  name: string;
  number: number;
  area: Area;
  companyId: string;
  terminals: { profile: string; connection: Connection }[];
}

async function planHouses(terminals: number, villages: Area[], gas: Company, electric: Company): Promise<House[]> {
  const houses: House[] = [];
  let port = 0;
  let unit = 0;
  for (let left = terminals, number = 1; left > 0; number += 1) {
    const heating = (HEATING[number % HEATING.length] ?? HEATING[0]).slice(0, left);
    left -= heating.length;
    const planned: House['terminals'] = [];
    for (const profile of heating) {
      if (!MODBUS.has(profile)) {
        planned.push({ profile, connection: { type: 'mqtt' } });
        continue;
      }
      if (unit % (2 * HOUSES_A_LINE) === 0) [port, unit] = [await freePort(), 0];
      unit += 1;
      planned.push({ profile, connection: { type: 'modbus', line: { host: '127.0.0.1', port }, unit } });
    }
    const area = villages[number % villages.length];
    if (!area) throw new Error(`config/areas has no villages of ${TOWNSHIP}`);
    const surname = SURNAMES[(number * 7) % SURNAMES.length] ?? '';
    houses.push({
      name: `${surname}${GIVEN[(number * 5) % GIVEN.length]}`,
      number,
      area,
      companyId: heating[0]?.startsWith('gas') ? gas.id : electric.id,
      terminals: planned,
    });
  }
  return houses;
}

async function setTerms(api: Api, { id, accountNo }: Household, { number, terminals }: House): Promise<void> {
  const since = termsSince(Date.now());
  const isGas = terminals.some(({ profile }) => profile.startsWith('gas'));
  const tariff = isGas ? 'shanxi-coal-to-gas' : 'shanxi-coal-to-electricity';
  await api('PUT', `/households/${id}/tariff`, { tariff, since: since.tariff });
  if (!isGas && isPrepaid(number)) {
    const mode = { mode: 'prepaid', since: since.mode, emergencyCreditFen: EMERGENCY_CREDIT };
    await api('PUT', `/households/${id}/billing-mode`, mode);
  }
  if (number % DEPOSIT_EVERY === 0) {
    await api('POST', `/households/${id}/deposit/receive`, { method: 'cash', reference: `YJ-${accountNo}` });
  }
}

async function makeHouse(api: Api, house: House): Promise<{ household: Household; fleet: Fleet['terminals'] }> {
  const accountNo = `XL${String(house.number).padStart(5, '0')}`;
  const household = await api<Household>('POST', '/households', {
    accountNo,
    name: house.name,
    areaCode: house.area.code,
    companyId: house.companyId,
    address: `${house.area.name}${house.number}号`,
    vulnerable: house.number % 17 === 0,
  });
  const fleet: Fleet['terminals'] = [];
  for (const [index, { profile, connection }] of house.terminals.entries()) {
    const id = `${accountNo}-${index + 1}`;
    const created = await api<{ credentials: { password: string } | null }>('POST', '/terminals', {
      id,
      profile,
      householdId: household.id,
      connection,
    });
    const { credentials } = created;
    fleet.push({
      id,
      profile,
      house: accountNo,
      ...(credentials && { secret: credentials.password }),
      ...(connection.type === 'modbus' && { line: connection.line, unit: connection.unit }),
    });
  }
  await setTerms(api, household, house);
  return { household, fleet };
}

/** Makes everything and returns the fleet, and a login for each role but the admin. */
export async function makeTownship(
  api: Api,
  terminals: number,
  say: (text: string) => void,
): Promise<{ fleet: Fleet; logins: Login[] }> {
  const gas = await api<Company>('POST', '/companies', { name: '襄陵燃气公司（演示）' });
  const electric = await api<Company>('POST', '/companies', { name: '襄陵电采暖公司（演示）' });
  const { items } = await api<{ items: Area[] }>('GET', '/areas');
  const villages = items.filter((area) => area.parent === TOWNSHIP);
  const houses = await planHouses(terminals, villages, gas, electric);
  const fleet: Fleet['terminals'] = [];
  let first: Household | undefined;
  for (let start = 0; start < houses.length; start += AT_ONCE) {
    const made = await Promise.all(houses.slice(start, start + AT_ONCE).map((house) => makeHouse(api, house)));
    fleet.push(...made.flatMap((one) => one.fleet));
    first ??= made[0]?.household;
    if (start % 400 === 0 && start > 0) say(`  ${start} of ${houses.length} households`);
  }
  const logins: Login[] = [
    { role: 'operator', username: 'operator', password: newSecret().slice(0, 12) },
    { role: 'company', username: 'gas', password: newSecret().slice(0, 12) },
    { role: 'company', username: 'electric', password: newSecret().slice(0, 12) },
    { role: 'resident', username: 'resident', password: newSecret().slice(0, 12) },
  ];
  const scopes: Record<string, object> = {
    operator: { areaCode: TOWNSHIP },
    gas: { companyId: gas.id },
    electric: { companyId: electric.id },
    resident: { householdId: first?.id },
  };
  for (const login of logins) await api<User>('POST', '/users', { ...login, ...scopes[login.username] });
  return { fleet: { seed: 1, terminals: fleet }, logins };
}
