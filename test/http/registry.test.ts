import { describe, expect, test } from 'vitest';
import type { Household } from '../../src/http/schemas/people.ts';
import type { Terminal } from '../../src/http/schemas/terminals.ts';
import { connectTerminal, makeTerminal, OTHER_VILLAGE, VILLAGE } from '../helpers/gateway.ts';
import { startVillages } from './stage.ts';

/** Companies, households and terminals: what can be registered, changed and removed, by whom. */

/** A name that nobody ever has, which companies may use here. */
const GIVEN = 'dtu.invalid';
const { gateway, mine, theirs } = await startVillages({ overrides: { modbus: { hosts: `10.0.0.0/8,${GIVEN}` } } });
let names = 0;

const newName = () => `t${++names}`;
const MQTT = { type: 'mqtt' };
const modbus = (unit: number, port = 1_502, host = GIVEN) => ({ type: 'modbus', line: { host, port }, unit });
const serial = { serial: '/dev/ttyNONE7', baudRate: 9600 };
const dtu = { listen: 20_123, registration: 'HG-77' };
const on = (line: object, unit = 1) => ({ profile: 'eastron-sdm120', connection: { type: 'modbus', line, unit } });
type Created = Terminal & { credentials: { username: string; password: string } | null; code?: string };

/** A terminal with some of its fields as given. */
const create = (part: object = {}, by = mine.clerk) =>
  by.post<Created>('/terminals', { id: newName(), profile: 'gas-boiler', connection: MQTT, ...part });

describe('a terminal is refused', () => {
  test.each([
    ['with a profile that does not exist', { profile: 'steam-engine' }, 422, 'unknown_profile'],
    ['with a profile that every object has', { profile: 'constructor' }, 422, 'unknown_profile'],
    ['in a household that does not exist', { householdId: 'hh_none' }, 422, 'unknown_reference'],
    ['in an area that does not exist', { areaCode: '999999' }, 422, 'unknown_reference'],
    ['on Modbus with an MQTT profile', { connection: modbus(1) }, 422, 'unknown_reference'],
    ['on MQTT with a Modbus profile', { profile: 'eastron-sdm120' }, 422, 'unknown_reference'],
    ['via a concentrator that does not exist', { connection: { ...MQTT, via: 'nobody' } }, 422, 'unknown_reference'],
    ['with an id that is no topic level', { id: 'a/b' }, 400, 'invalid_request'],
    ['with a wildcard for an id', { id: '+' }, 400, 'invalid_request'],
    ['with an id in another script', { id: '锅炉' }, 400, 'invalid_request'],
    ['with an empty id', { id: '' }, 400, 'invalid_request'],
    ['with a long id', { id: 'x'.repeat(65) }, 400, 'invalid_request'],
    ['without a connection', { connection: undefined }, 400, 'invalid_request'],
    ['on a wire that does not exist', { connection: { type: 'zigbee' } }, 400, 'invalid_request'],
    ['with a Modbus line on MQTT', { connection: { ...MQTT, unit: 1 } }, 400, 'invalid_request'],
    ['with Modbus unit 0', { profile: 'eastron-sdm120', connection: modbus(0) }, 400, 'invalid_request'],
    ['with Modbus unit 248', { profile: 'eastron-sdm120', connection: modbus(248) }, 400, 'invalid_request'],
    ['listening on port 502', on({ ...dtu, listen: 502 }), 400, 'invalid_request'],
    ['listening on another port of the system', on({ ...dtu, listen: 80 }), 400, 'invalid_request'],
    ['with an empty registration', on({ ...dtu, registration: '' }), 400, 'invalid_request'],
    ['with a registration of half a byte', on({ ...dtu, registration: 'hex:4' }), 400, 'invalid_request'],
    ['with a registration over two lines', on({ ...dtu, registration: 'a\nb' }), 400, 'invalid_request'],
    ['with a serial line without speed', on({ serial: '/dev/ttyS0' }), 400, 'invalid_request'],
    ['with a serial line outside of /dev', on({ ...serial, serial: '/etc/passwd' }), 400, 'invalid_request'],
    ['with a serial line that climbs out of /dev', on({ ...serial, serial: '/dev/../x' }), 400, 'invalid_request'],
    ['with two lines in one', on({ ...serial, host: GIVEN, port: 1 }), 400, 'invalid_request'],
    ['with a framing that does not exist', on({ host: GIVEN, port: 1, framing: 'ascii' }), 400, 'invalid_request'],
    ['installed at no time', { installedAt: 'in spring' }, 400, 'invalid_request'],
    ['with a secret of its own', { secret: 'mine' }, 400, 'invalid_request'],
  ])('%s', async (_what, part, status, code) => {
    const answer = await create(part, gateway.admin);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  test('in an area that does not exist, also when it names a household', async () => {
    const answer = await create({ householdId: mine.household.id, areaCode: '999999' }, gateway.admin);
    expect([answer.status, answer.body.code]).toEqual([422, 'unknown_reference']);
  });

  test('in another company’s household, just as in one that does not exist', async () => {
    const answer = await create({ householdId: theirs.household.id });
    expect([answer.status, answer.body.code]).toEqual([422, 'unknown_reference']);
  });

  test('via another company’s concentrator, just as via one that does not exist', async () => {
    const concentrator = await create({ householdId: theirs.household.id }, theirs.clerk);
    const answer = await create({ connection: { ...MQTT, via: concentrator.body.id } });
    expect([answer.status, answer.body.code]).toEqual([422, 'unknown_reference']);
  });

  test('under an id that is taken, whoever has it, and the first keeps its secret', async () => {
    const id = newName();
    const { secret } = await makeTerminal(mine.clerk, { id, profile: 'gas-boiler', householdId: mine.household.id });
    for (const by of [mine.clerk, theirs.clerk, gateway.admin]) {
      const again = await create({ id }, by);
      expect([again.status, again.body.code]).toEqual([409, 'conflict']);
    }
    const client = await connectTerminal(gateway, { id, secret });
    expect(client.connected).toBe(true);
    await client.endAsync();
  });

  test('of twenty requests at once for one id, except the first', async () => {
    const id = newName();
    const answers = await Promise.all(Array.from({ length: 20 }, () => create({ id })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
  });

  test('as a Modbus unit that its line has already, and not as another unit or on another line', async () => {
    const meter = { profile: 'eastron-sdm120', connection: modbus(7) };
    expect((await create(meter)).status).toBe(201);
    const again = await create(meter);
    expect([again.status, again.body.code]).toEqual([409, 'conflict']);
    expect((await create({ ...meter, connection: modbus(8) })).status).toBe(201);
    expect((await create({ ...meter, connection: modbus(7, 1_503) })).status).toBe(201);
  });

  test('as a Modbus unit of another company, without a word about whose it is', async () => {
    const meter = { profile: 'eastron-sdm120', connection: modbus(20) };
    const first = await create({ ...meter, id: 'secret-name-of-theirs' }, theirs.clerk);
    expect(first.status).toBe(201);
    const answer = await create(meter);
    expect(answer.status).toBe(409);
    expect(JSON.stringify(answer.body)).not.toContain('secret-name-of-theirs');
  });

  test.each<[string, object]>([
    ['this computer', { host: '127.0.0.1', port: 5020 }],
    ['this computer by name', { host: 'localhost', port: 5020 }],
    ['this computer in IPv6', { host: '::1', port: 5020 }],
    ['this computer in IPv6 dress', { host: '::ffff:127.0.0.1', port: 5020 }],
    ['this computer in digits', { host: '2130706433', port: 5020 }],
    ['no address at all', { host: '0.0.0.0', port: 5020 }],
    ['a cloud’s metadata', { host: '169.254.169.254', port: 80 }],
    ['a host that is not on the list', { host: '192.168.1.1', port: 5020 }],
    ['a name that is not on the list', { host: 'db.internal', port: 5432 }],
    ['a name below one that is', { host: `x.${GIVEN}`, port: 5432 }],
    ['a serial port', serial],
    ['a port of the gateway', dtu],
  ])('when a company points its line at %s', async (_what, line) => {
    const answer = await create(on(line));
    expect([answer.status, answer.body.code]).toEqual([403, 'forbidden']);
  });

  test('as a unit of a line that others use with other settings', async () => {
    const line = { ...serial, serial: '/dev/ttyNONE8' };
    expect((await create(on(line, 1), gateway.admin)).status).toBe(201);
    const other = await create(on({ ...line, baudRate: 2400 }, 2), gateway.admin);
    expect([other.status, other.body.code]).toEqual([409, 'conflict']);
    // What is said and what goes without saying are the same.
    expect((await create(on({ ...line, parity: 'none', stopBits: 1 }, 2), gateway.admin)).status).toBe(201);
  });

  test('as a unit of a DTU that is registered in another spelling', async () => {
    const line = { ...dtu, registration: 'AB1' };
    expect((await create(on(line, 3), gateway.admin)).status).toBe(201);
    for (const registration of ['hex:414231', 'hex:41 42 31', 'AB1 ', 'hex:4142310d0a']) {
      const again = await create(on({ ...line, registration }, 3), gateway.admin);
      expect([registration, again.status, again.body.code]).toEqual([registration, 409, 'conflict']);
    }
  });

  test('by operators and residents', async () => {
    for (const by of [mine.operator, mine.resident]) expect((await create({}, by)).status).toBe(403);
  });
});

test('a new MQTT terminal gets its secret once, and nobody is shown it again', async () => {
  const created = await create({ householdId: mine.household.id });
  const { id, credentials } = created.body;
  expect(created.status).toBe(201);
  expect(created.headers.get('location')).toBe(`/api/v1/terminals/${id}`);
  expect(created.body).toMatchObject({
    profile: 'gas-boiler',
    householdId: mine.household.id,
    householdName: mine.household.name,
    companyId: mine.company.id,
    areaCode: VILLAGE,
    connection: MQTT,
    status: 'unknown',
    lastSeenAt: null,
    values: {},
  });
  expect(credentials?.username).toBe(id);
  expect(credentials?.password.length).toBeGreaterThanOrEqual(40);
  const later = [
    await gateway.admin.get(`/terminals/${id}`),
    await gateway.admin.get('/terminals?limit=500'),
    await gateway.admin.patch(`/terminals/${id}`, {}),
  ];
  for (const { status, body } of later) {
    expect(status).toBe(200);
    expect(JSON.stringify(body)).not.toMatch(/credentials|secret"|hash/i);
    expect(JSON.stringify(body)).not.toContain(credentials?.password);
  }
});

test('a company goes on using a line that an admin set up for it, and others do not', async () => {
  const line = { ...dtu, registration: 'theirs' };
  const first = await create({ ...on(line, 1), householdId: mine.household.id }, gateway.admin);
  expect(first.status).toBe(201);
  expect((await create({ ...on(line, 2), householdId: mine.household.id })).status).toBe(201);
  const changed = await mine.clerk.patch<Created>(`/terminals/${first.body.id}`, {
    connection: on(line, 9).connection,
  });
  expect([changed.status, changed.body.connection]).toEqual([200, on(line, 9).connection]);
  expect((await create(on(line, 4), theirs.clerk)).status).toBe(403);
});

describe('a line is changed for all of its terminals', () => {
  const line = { ...serial, serial: '/dev/ttyNONE9' };
  const change = (name: string, body: object, by = gateway.admin) =>
    by.patch<{ id: string; terminalIds: string[]; code?: string }>(`/modbus/lines/${encodeURIComponent(name)}`, body);
  const faster = { line: { ...line, baudRate: 19_200, parity: 'even' } };

  test('by an admin, whosever they are, and stays what it is for everybody else', async () => {
    const one = await create({ ...on(line, 1), householdId: mine.household.id }, gateway.admin);
    const two = await create({ ...on(line, 2), householdId: theirs.household.id }, gateway.admin);
    for (const by of [mine.clerk, mine.operator, mine.resident]) {
      expect((await change(line.serial, faster, by)).status).toBe(403);
    }
    const { status, body } = await change(line.serial, faster);
    expect([status, body]).toEqual([200, { id: line.serial, terminalIds: [one.body.id, two.body.id].sort() }]);
    for (const { id, connection } of [one.body, two.body]) {
      const now = await gateway.admin.get<Terminal>(`/terminals/${id}`);
      expect(now.body.connection).toEqual({ ...connection, ...faster });
    }
    const late = await create(on(line, 3), gateway.admin);
    expect([late.status, late.body.code]).toEqual([409, 'conflict']);
    expect((await create(on(faster.line, 3), gateway.admin)).status).toBe(201);
  });

  test('and not when it is nobody’s, when the other address has terminals, or with what no line has', async () => {
    const taken = { ...serial, serial: '/dev/ttyNONE10' };
    expect((await create(on(taken, 1), gateway.admin)).status).toBe(201);
    const answers = [
      await change('/dev/ttyNOBODY', faster),
      await change(line.serial, { line: { ...taken, baudRate: 1200 } }),
      await change(line.serial, { line: { ...line, speed: 9600 } }),
      await change(line.serial, {}),
    ];
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual([
      [404, 'not_found'],
      [409, 'conflict'],
      [400, 'invalid_request'],
      [400, 'invalid_request'],
    ]);
  });
});

test('a new Modbus terminal has no secret', async () => {
  const created = await create({ profile: 'midea-m-thermal', connection: modbus(30) });
  expect([created.status, created.body.credentials]).toEqual([201, null]);
});

test('a terminal that moves to another household goes out of the sight of the first', async () => {
  const { body: next } = await gateway.admin.post<Household>('/households', {
    accountNo: 'MOVE-1',
    name: 'Next door',
    areaCode: VILLAGE,
    companyId: mine.company.id,
  });
  const { body: terminal } = await create({ householdId: mine.household.id });
  const path = `/terminals/${terminal.id}`;
  expect((await mine.resident.get(path)).status).toBe(200);
  const refused = await mine.clerk.patch(path, { householdId: theirs.household.id });
  expect([refused.status, refused.body.code]).toEqual([422, 'unknown_reference']);
  const moved = await mine.clerk.patch<Terminal>(path, { householdId: next.id });
  expect(moved.body).toMatchObject({ householdId: next.id, householdName: 'Next door', areaCode: VILLAGE });
  expect((await mine.resident.get(path)).status).toBe(404);

  await gateway.admin.patch(path, { householdId: theirs.household.id });
  expect((await mine.clerk.get(path)).status).toBe(404);
  expect((await mine.operator.get(path)).status).toBe(404);
  const { body: there } = await theirs.resident.get<Terminal>(path);
  expect(there).toMatchObject({ companyId: theirs.company.id, areaCode: OTHER_VILLAGE });
});

test.each([
  ['another wire', { connection: modbus(40) }, 422],
  ['a concentrator that does not exist', { connection: { ...MQTT, via: 'nobody' } }, 422],
  ['an area that does not exist', { areaCode: '999999' }, 422],
  ['another profile', { profile: 'gas-meter' }, 400],
  ['another id', { id: 'other' }, 400],
  ['another company', { companyId: 'co_1' }, 400],
])('a terminal cannot be given %s', async (_what, change, status) => {
  const { body: terminal } = await create();
  expect((await gateway.admin.patch(`/terminals/${terminal.id}`, change)).status).toBe(status);
  expect((await gateway.admin.get<Terminal>(`/terminals/${terminal.id}`)).body).toMatchObject({
    profile: 'gas-boiler',
    connection: MQTT,
    companyId: mine.company.id,
    areaCode: null,
  });
});

test('a terminal that the admin gives an area stays the company’s', async () => {
  const { body: terminal } = await create();
  expect((await gateway.admin.patch(`/terminals/${terminal.id}`, { areaCode: VILLAGE })).status).toBe(200);
  const { status, body } = await mine.clerk.get<Terminal>(`/terminals/${terminal.id}`);
  expect([status, body.companyId, body.areaCode]).toEqual([200, mine.company.id, VILLAGE]);
});
