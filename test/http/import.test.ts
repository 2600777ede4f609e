import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { AuditEntry } from '../../src/http/schemas/audit.ts';
import type { Household } from '../../src/http/schemas/people.ts';
import type { FileImport, ImportError } from '../../src/http/schemas/provisioning.ts';
import type { Terminal } from '../../src/http/schemas/terminals.ts';
import { connectTerminal, VILLAGE } from '../helpers/gateway.ts';
import { finished, type Importer, upload } from '../helpers/imports.ts';
import { type Page, send, startVillages } from './stage.ts';

/** Terminals from CSV files, as a heating company brings them. */

let names = 0;

const { gateway, mine, theirs } = await startVillages({
  overrides: {
    provisioning: { importRows: 1_000, importBytes: 300_000 },
    modbus: { hosts: '10.0.0.0/8, gw.example' },
  },
});

const newName = () => `i${++names}`;
const by = (token = mine.clerk.token): Importer => ({ origin: gateway.origin, token });
const bring = async (file: string | Uint8Array<ArrayBuffer>, query = '', who = by()) =>
  finished(who, (await upload(who, file, query)).body);
const errorsOf = async ({ id }: FileImport) =>
  (await mine.clerk.get<Page<ImportError>>(`/imports/${id}/errors`)).body.items;
const exists = async (id: string) => (await gateway.admin.get(`/terminals/${id}`)).status === 200;

describe('a file that is well', () => {
  test('is taken with 202 and a place to look, and makes its terminals', async () => {
    const [boiler, meter] = [newName(), newName()];
    const file = `id,profile,accountNo,host,port,unit,installedAt\n${boiler},gas-boiler,${mine.household.accountNo},,,,2026-01-05\n${meter},eastron-sdm120,,GW.Example.,1502,7,2026/1/5 8:30\n`;
    const answer = await upload(by(), file, '?fileName=winter.csv');
    expect([answer.status, answer.headers.get('location')]).toEqual([202, `/api/v1/imports/${answer.body.id}`]);
    const done = await finished(by(), answer.body);
    expect(done).toMatchObject({
      state: 'done',
      progress: 1,
      rows: 2,
      created: 2,
      unchanged: 0,
      errors: 0,
      fileName: 'winter.csv',
    });
    expect((await mine.clerk.get<Terminal>(`/terminals/${boiler}`)).body).toMatchObject({
      householdId: mine.household.id,
      companyId: mine.company.id,
      areaCode: VILLAGE,
      connection: { type: 'mqtt' },
      installedAt: '2026-01-04T16:00:00.000Z',
      unclaimed: false,
    });
    expect((await mine.clerk.get<Terminal>(`/terminals/${meter}`)).body).toMatchObject({
      connection: { type: 'modbus', line: { host: 'gw.example', port: 1502 }, unit: 7 },
      installedAt: '2026-01-05T00:30:00.000Z',
    });
  });

  test('may bring meters, behind a concentrator or on a line, by the number that is printed on them', async () => {
    const [hub, far, near] = [newName(), newName(), newName()];
    const file = [
      '终端号,终端类型,集中器,主机,端口,表号',
      `${hub},gas-boiler,,,,`,
      `${far},dlt645-meter,${hub},,,012345678901`,
      `${near},cjt188-gas-meter,,gw.example,1503,11110000123456`,
    ].join('\n');
    expect(await bring(file)).toMatchObject({ state: 'done', created: 3 });
    const connectionOf = async (id: string) => (await mine.clerk.get<Terminal>(`/terminals/${id}`)).body.connection;
    expect(await connectionOf(far)).toEqual({ type: 'mqtt', via: hub, address: '012345678901' });
    expect(await connectionOf(near)).toMatchObject({
      type: 'meter',
      line: { host: 'gw.example', port: 1503 },
      address: '11110000123456',
    });
    expect(await bring(file)).toMatchObject({ state: 'done', created: 0, unchanged: 3 });
    const refused = await bring(`id,profile,via,meterNo\n${far},dlt645-meter,${hub},012345678902\n`);
    expect((await errorsOf(refused)).map(({ column, code }) => [column, code])).toEqual([['meterNo', 'differs']]);
  });

  test.each([
    ['UTF-8 with its mark', (text: string) => new TextEncoder().encode(`\uFEFF${text}`)],
    ['UTF-8 without', (text: string) => new TextEncoder().encode(text)],
    // Two characters in GB18030, as Excel writes them in China.
    ['GB18030', (text: string) => gb18030(text)],
  ])('may be %s, with Chinese headers and titles', async (_what, encode) => {
    const id = newName();
    const done = await bring(encode(`终端号,终端类型\r\n${id},gas-boiler\r\n\r\n`));
    expect(done).toMatchObject({ state: 'done', rows: 1, created: 1 });
    expect(await exists(id)).toBe(true);
  });

  test('may name a concentrator that stands further down in it', async () => {
    const [child, hub] = [newName(), newName()];
    expect(await bring(`id,profile,via\n${child},gas-meter,${hub}\n${hub},gas-boiler,\n`)).toMatchObject({
      created: 2,
    });
    const { body } = await mine.clerk.get<Terminal>(`/terminals/${child}`);
    expect(body.connection).toEqual({ type: 'mqtt', via: hub });
  });

  test('brought again changes nothing, also when its terminals were changed in what it leaves open', async () => {
    const id = newName();
    const file = `id,profile,areaCode\n${id},gas-boiler,\n`;
    await bring(file);
    await mine.clerk.patch(`/terminals/${id}`, { householdId: mine.household.id });
    expect(await bring(file)).toMatchObject({ state: 'done', created: 0, unchanged: 1, credentialsUntil: null });
  });

  test('in a dry run is checked as well and makes nothing', async () => {
    const id = newName();
    expect(await bring(`id,profile\n${id},gas-boiler\n`, '?dryRun=true')).toMatchObject({
      state: 'done',
      dryRun: true,
      created: 1,
    });
    expect(await exists(id)).toBe(false);
  });

  test('may use an id again that the company removed', async () => {
    const id = newName();
    await bring(`id,profile\n${id},gas-boiler\n`);
    await mine.clerk.delete(`/terminals/${id}`);
    expect(await bring(`id,profile\n${id},gas-meter\n`)).toMatchObject({ state: 'done', created: 1 });
    expect((await mine.clerk.get<Terminal>(`/terminals/${id}`)).body.profile).toBe('gas-meter');
    await mine.clerk.delete(`/terminals/${id}`);
    const other = await bring(`id,profile\n${id},gas-meter\n`, '', by(theirs.clerk.token));
    expect([other.state, other.errors]).toEqual(['refused', 1]);
  });
});

describe('a file with errors', () => {
  const taken = newName();
  beforeAll(async () => {
    await bring(`id,profile,host,port,unit\n${taken},eastron-sdm120,10.9.9.9,502,9\n`);
  });

  const head = 'id,profile,accountNo,householdId,areaCode,via,host,port,unit,installedAt,meterNo';
  test.each([
    ['no id', ',gas-boiler', [['id', 'missing']]],
    ['an id as a spreadsheet writes a long number', '1.23E+15,gas-boiler', [['id', 'bad_id']]],
    ['an id that is taken by another kind', `${taken},gas-boiler`, [['profile', 'differs']]],
    ['no profile', 'x,', [['profile', 'missing']]],
    ['a profile that does not exist', 'x,steam-engine', [['profile', 'unknown_profile']]],
    ['an account that does not exist', 'x,gas-boiler,NOBODY', [['accountNo', 'unknown_household']]],
    ['an area that does not exist', 'x,gas-boiler,,,999999', [['areaCode', 'unknown_area']]],
    ['a concentrator that does not exist', 'x,gas-boiler,,,,nobody', [['via', 'unknown_via']]],
    ['itself as its concentrator', 'x,gas-boiler,,,,x', [['via', 'unknown_via']]],
    ['a host for MQTT', 'x,gas-boiler,,,,,10.0.0.1', [['host', 'not_for_mqtt']]],
    [
      'a Modbus unit without anything',
      'x,eastron-sdm120',
      [
        ['host', 'missing'],
        ['port', 'missing'],
        ['unit', 'missing'],
      ],
    ],
    [
      'a port and a unit that are none',
      'x,eastron-sdm120,,,,,h,0,248',
      [
        ['port', 'bad_port'],
        ['unit', 'bad_unit'],
      ],
    ],
    ['a unit of another', 'x,eastron-sdm120,,,,,10.9.9.9,502,9', [['unit', 'unit_taken']]],
    ['a meter without its number', 'x,dlt645-meter', [['meterNo', 'missing']]],
    [
      'a meter’s number without the zeros in front',
      'x,dlt645-meter,,,,,,,,,12345678901',
      [['meterNo', 'no_meter_number']],
    ],
    ['a number that calls every meter', 'x,dlt645-meter,,,,,,,,,999999999999', [['meterNo', 'no_meter_number']]],
    ['a unit of a meter', 'x,dlt645-meter,,,,,,,1,,012345678901', [['unit', 'not_for_meters']]],
    [
      'a meter on a line and behind a concentrator',
      `x,dlt645-meter,,,,${taken},10.9.9.8,502,,,012345678901`,
      [['via', 'not_for_meters']],
    ],
    ['a meter’s number of a boiler', 'x,gas-boiler,,,,,,,,,012345678901', [['meterNo', 'only_for_meters']]],
    ['a meter on a line of Modbus TCP', 'x,dlt645-meter,,,,,10.9.9.9,502,,,012345678901', [['meterNo', 'unit_taken']]],
    ['a day that does not exist', 'x,gas-boiler,,,,,,,,2026-02-30', [['installedAt', 'bad_time']]],
    ['more cells than columns', 'x,gas-boiler,,,,,,,,,,,more', [[null, 'bad_csv']]],
    ['an open quote', '"x,gas-boiler', [[null, 'bad_csv']]],
  ])('says row and column of %s, and imports nothing', async (_what, line, wrong) => {
    const good = newName();
    const refused = await bring(`${head}\n${good},gas-boiler\n${line}\n`);
    expect(refused).toMatchObject({ state: 'refused', created: 0, credentialsUntil: null });
    const errors = await errorsOf(refused);
    expect(errors.map(({ row, column, code }) => [row, column, code])).toEqual(wrong.map(([c, code]) => [3, c, code]));
    for (const { message } of errors) expect(message).toEqual({ zh: expect.any(String), en: expect.any(String) });
    expect(await exists(good)).toBe(false);
  });

  test.each([
    ['an unknown column', 'id,profile,colour\nx,gas-boiler,red\n', 'unknown_column'],
    ['a column twice, once in Chinese', 'id,profile,终端号\nx,gas-boiler,y\n', 'duplicate_column'],
    ['no column of profiles', 'id\nx\n', 'missing_column'],
    ['no rows', 'id,profile\n', 'no_rows'],
    ['nothing at all', '', 'no_rows'],
    [
      'more rows than are taken',
      `id,profile\n${Array.from({ length: 1_001 }, (_, n) => `many-${n},gas-boiler\n`).join('')}`,
      'too_many_rows',
    ],
  ])('says of the file that it has %s', async (_what, file, code) => {
    const errors = await errorsOf(await bring(file));
    expect(errors.map((error) => error.code)).toContain(code);
  });

  test('of another company names its households and terminals as little as those that do not exist', async () => {
    const refused = await bring(
      `id,profile,accountNo\nx,gas-boiler,${theirs.household.accountNo}\n${taken},gas-boiler,\n`,
      '',
      by(theirs.clerk.token),
    );
    const { items } = (await theirs.clerk.get<Page<ImportError>>(`/imports/${refused.id}/errors`)).body;
    expect(items.map(({ row, column, code }) => [row, column, code])).toEqual([[3, 'id', 'id_taken']]);
    const other = await bring(`id,profile,accountNo\nx,gas-boiler,${theirs.household.accountNo}\n`);
    expect((await errorsOf(other)).map(({ code }) => code)).toEqual(['unknown_household']);
    expect((await theirs.clerk.get(`/imports/${other.id}`)).status).toBe(404);
  });

  test('says every error once, page by page and as a file that a spreadsheet opens safely', async () => {
    const lines = Array.from({ length: 7 }, (_, n) => `=cmd${n},gas-boiler`);
    const refused = await bring(`id,profile\n${lines.join('\n')}\n`);
    expect(refused.errors).toBe(7);
    const { body: first } = await mine.clerk.get<Page<ImportError>>(`/imports/${refused.id}/errors?limit=5`);
    const { body: next } = await mine.clerk.get<Page<ImportError>>(
      `/imports/${refused.id}/errors?limit=5&cursor=${first.nextCursor}`,
    );
    expect([...first.items, ...next.items].map(({ row }) => row)).toEqual([2, 3, 4, 5, 6, 7, 8]);
    const csv = await send(gateway.origin, 'GET', `/api/v1/imports/${refused.id}/errors.csv`, {
      headers: { authorization: `Bearer ${mine.clerk.token}` },
    });
    expect(csv.type).toContain('text/csv');
    expect(csv.text.split('\r\n')).toHaveLength(9);
    expect(csv.text).toContain("2,id,终端号,'=cmd0,bad_id,");
  });
});

test('whatever bytes are uploaded, the import ends, says why, and the next one is taken', async () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  const text = fc.array(
    fc.constantFrom('id', 'profile', 'gas-boiler', ',', '"', '\n', '\r\n', ' ', '终端号', '\uFEFF', '\0', 'x'),
    { maxLength: 40 },
  );
  const file = fc.oneof(
    bytes,
    text.map((words) => new TextEncoder().encode(words.join(''))),
  );
  await fc.assert(
    fc.asyncProperty(file, async (some) => {
      const ended = await bring(new Uint8Array(some), '?dryRun=true');
      expect(ended.state === 'done' ? ended.errors === 0 : ended.state === 'refused' && ended.errors > 0).toBe(true);
    }),
    { numRuns: 60 },
  );
  expect((await bring(`id,profile\n${newName()},gas-boiler\n`)).state).toBe('done');
});

describe('the upload', () => {
  test('over the limit is 413, of another type 415, and neither leaves an import', async () => {
    const before = (await mine.clerk.get<Page<FileImport>>('/imports?limit=500')).body.items.length;
    expect((await upload(by(), `id,profile\n${'x'.repeat(300_001)}`)).status).toBe(413);
    expect((await mine.clerk.post('/terminals/import', { csv: 'id,profile' })).status).toBe(415);
    expect((await mine.clerk.get<Page<FileImport>>('/imports?limit=500')).body.items).toHaveLength(before);
  });

  test('that is cut off leaves no import, and the next one is taken', async () => {
    const before = (await mine.clerk.get<Page<FileImport>>('/imports?limit=500')).body.items.length;
    const { hostname, port } = new URL(gateway.origin);
    const socket = connect(Number(port), hostname);
    const head = `POST /api/v1/terminals/import HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${mine.clerk.token}\r\n`;
    socket.write(`${head}content-type: text/csv\r\ncontent-length: 100\r\n\r\nid,profile\n`);
    await once(socket, 'connect');
    socket.destroy();
    expect(await bring(`id,profile\n${newName()},gas-boiler\n`)).toMatchObject({ state: 'done' });
    expect((await mine.clerk.get<Page<FileImport>>('/imports?limit=500')).body.items).toHaveLength(before + 1);
  });

  test('is for admins and companies only', async () => {
    for (const { token } of [mine.operator, mine.resident]) {
      expect((await upload(by(token), 'id,profile\nx,gas-boiler\n')).status).toBe(403);
    }
  });

  test('begins with a template that is itself a file of terminals', async () => {
    for (const lang of ['zh', 'en']) {
      const template = await send(gateway.origin, 'GET', `/api/v1/imports/template?lang=${lang}`, {
        headers: { authorization: `Bearer ${mine.clerk.token}` },
      });
      const refused = await bring(template.text);
      expect(new Set((await errorsOf(refused)).map(({ code }) => code))).toEqual(
        new Set(['unknown_household', 'unknown_via']),
      );
    }
  });
});

describe('the credentials of an import', () => {
  const take = (id: string, token = mine.clerk.token) =>
    send(gateway.origin, 'POST', `/api/v1/imports/${id}/credentials`, {
      headers: { authorization: `Bearer ${token}` },
    });

  test('are given once, to who imported, and open the door', async () => {
    const [boiler, unit, own] = [newName(), newName(), newName()];
    const done = await bring(
      `id,profile,host,port,unit\n${boiler},gas-boiler,,,\n${unit},eastron-sdm120,10.1.1.1,502,1\n${own},gas-boiler,,,\n`,
    );
    expect(done.credentialsUntil).not.toBeNull();
    // Who got a secret in another way meanwhile keeps it.
    const { body: given } = await mine.clerk.post<{ password: string }>(`/terminals/${own}/credentials`);
    expect((await take(done.id, gateway.admin.token)).status).toBe(403);
    expect((await take(done.id, theirs.clerk.token)).status).toBe(404);
    const csv = await take(done.id);
    expect([csv.status, csv.headers.get('cache-control')]).toEqual([200, 'no-store']);
    const lines = csv.text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','));
    expect(lines).toEqual([
      ['terminal', 'username', 'password', 'claim_code', 'qr_text', 'claim_until'],
      [boiler, boiler, expect.stringMatching(/^[\w-]{43}$/), '', '', ''],
    ]);
    await (await connectTerminal(gateway, { id: boiler, secret: lines[1]?.[2] ?? '' })).endAsync();
    await (await connectTerminal(gateway, { id: own, secret: given.password })).endAsync();
    const again = await take(done.id);
    expect([again.status, JSON.parse(again.text).code]).toEqual([409, 'wrong_state']);
    // Who took them is in the audit, and they are not.
    const { body: audit } = await mine.clerk.get<Page<AuditEntry>>('/audit?action=secrets_handed_out');
    expect(audit.items[0]).toMatchObject({ subject: done.id, detail: { terminals: [boiler] } });
    expect(JSON.stringify(audit.items)).not.toContain(lines[1]?.[2]);
  });

  test('are not there for a dry run or a file that was refused', async () => {
    const dry = await bring(`id,profile\n${newName()},gas-boiler\n`, '?dryRun=true');
    const refused = await bring('id,profile\nx,nothing\n');
    expect([(await take(dry.id)).status, (await take(refused.id)).status]).toEqual([409, 409]);
  });

  test('of terminals that are to be claimed have a code each, and the text of its QR', async () => {
    const id = newName();
    const done = await bring(`id,profile\n${id},gas-boiler\n`, '?unclaimed=true');
    const [, line = ''] = (await take(done.id)).text.split('\n');
    const [, , secret = '', code = '', text = ''] = line.split(',');
    expect(text).toBe(`hearthgate:claim?id=${id}&code=${code}`);
    await expect(connectTerminal(gateway, { id, secret })).rejects.toThrow(/not authorized|bad user/i);
    const claim = await mine.clerk.post<Terminal & { credentials: unknown }>('/claims', {
      id,
      code,
      accountNo: mine.household.accountNo,
    });
    expect([claim.status, claim.body.householdId, claim.body.credentials]).toEqual([201, mine.household.id, null]);
    await (await connectTerminal(gateway, { id, secret })).endAsync();
  });

  test('cannot be claimed where the file names a household, or for Modbus', async () => {
    const file = `id,profile,accountNo,host,port,unit\na-1,gas-boiler,${mine.household.accountNo},,,\na-2,eastron-sdm120,,10.2.2.2,502,1\n`;
    const refused = await bring(file, '?unclaimed=true');
    expect((await errorsOf(refused)).map(({ column, code }) => [column, code])).toEqual([
      ['accountNo', 'not_claimable'],
      ['profile', 'not_claimable'],
    ]);
  });
});

test('an import leaves out the households of nobody: an admin imports for every company at once', async () => {
  const { body: other } = await gateway.admin.get<Household>(`/households/${theirs.household.id}`);
  const [a, b] = [newName(), newName()];
  const done = await bring(
    `id,profile,accountNo,householdId\n${a},gas-boiler,${mine.household.accountNo},\n${b},gas-boiler,,${other.id}\n`,
    '',
    by(gateway.admin.token),
  );
  expect(done).toMatchObject({ state: 'done', created: 2 });
  expect((await mine.clerk.get(`/terminals/${a}`)).status).toBe(200);
  expect((await theirs.clerk.get(`/terminals/${b}`)).status).toBe(200);
});

/** 终端号 and 终端类型 as GB18030 has them. */
function gb18030(text: string): Uint8Array<ArrayBuffer> {
  const known: Record<string, number[]> = {
    终: [0xd6, 0xd5],
    端: [0xb6, 0xcb],
    号: [0xba, 0xc5],
    类: [0xc0, 0xe0],
    型: [0xd0, 0xcd],
  };
  return Uint8Array.from([...text].flatMap((letter) => known[letter] ?? [letter.charCodeAt(0)]));
}
