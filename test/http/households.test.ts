import { describe, expect, test } from 'vitest';
import type { Area, AreaOverview, Company, Household } from '../../src/http/schemas/people.ts';
import {
  ADMIN,
  connectTerminal,
  makeHousehold,
  makeTerminal,
  OTHER_VILLAGE,
  publish,
  sendReading,
  signIn,
  startTestGateway,
  VILLAGE,
} from '../helpers/gateway.ts';
import { tempFolder } from '../helpers/temp.ts';
import { type Page, startVillages } from './stage.ts';

/** Companies, households, and the tree of areas. */

let accounts = 0;

const { gateway, mine, theirs } = await startVillages();

const TOWNSHIP = VILLAGE.slice(0, 9);

const create = (part: object = {}, by = gateway.admin) =>
  by.post<Household & { code?: string }>('/households', {
    accountNo: `H-${++accounts}`,
    name: '张三',
    areaCode: VILLAGE,
    companyId: mine.company.id,
    ...part,
  });

describe('a household', () => {
  test.each([
    ['of a company that does not exist', { companyId: 'co_none' }, 422, 'unknown_reference'],
    ['in an area that does not exist', { areaCode: '999999' }, 422, 'unknown_reference'],
    ['in an area that is no code', { areaCode: 'here' }, 400, 'invalid_request'],
    ['without a name', { name: '' }, 400, 'invalid_request'],
    ['with spaces for a name', { name: '   ' }, 400, 'invalid_request'],
    ['with an account number that has a space', { accountNo: 'A 1' }, 400, 'invalid_request'],
    ['without an account number', { accountNo: undefined }, 400, 'invalid_request'],
    ['that is vulnerable in words', { vulnerable: 'yes' }, 400, 'invalid_request'],
    ['that is vulnerable as a number', { vulnerable: 1 }, 400, 'invalid_request'],
    ['that is null vulnerable', { vulnerable: null }, 400, 'invalid_request'],
  ])('%s is refused', async (_what, part, status, code) => {
    const answer = await create(part);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  test('with an account number that is taken is refused', async () => {
    expect((await create({ accountNo: 'TAKEN' })).status).toBe(201);
    const again = await create({ accountNo: 'TAKEN' });
    expect([again.status, again.body.code]).toEqual([409, 'conflict']);
  });

  test('of another company cannot be made by a clerk, and none by operators and residents', async () => {
    expect((await create({ companyId: theirs.company.id }, mine.clerk)).status).toBe(403);
    for (const by of [mine.operator, mine.resident]) expect((await create({}, by)).status).toBe(403);
  });

  test('is made with everything that was given, and found by its people', async () => {
    const given = { accountNo: 'H-GIVEN', name: '李四', address: '中兴村 7 号', phone: '0357-123', vulnerable: true };
    const made = await create(given, mine.clerk);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ ...given, areaCode: VILLAGE, companyId: mine.company.id });
    for (const by of [mine.clerk, mine.operator, gateway.admin]) {
      expect((await by.get<Household>(`/households/${made.body.id}`)).body).toEqual(made.body);
    }
    expect((await mine.resident.get(`/households/${made.body.id}`)).status).toBe(404);
    const { body: plain } = await create();
    expect(plain).toMatchObject({ address: null, phone: null, vulnerable: false });
  });

  test('is found by a part of its name or account number, and signs in it are no patterns', async () => {
    await create({ accountNo: 'FIND-1', name: 'Room 100% north' });
    await create({ accountNo: 'FIND-2', name: 'Room_7 south' });
    await create({ accountNo: 'FIND-3', name: 'Back\\slash west' });
    const find = async (search: string) =>
      (await gateway.admin.get<Page<Household>>(`/households?search=${encodeURIComponent(search)}`)).body.items.map(
        ({ accountNo }) => accountNo,
      );
    expect(await find('FIND-2')).toEqual(['FIND-2']);
    expect(await find('north')).toEqual(['FIND-1']);
    expect(await find('nobody')).toEqual([]);
    expect(await find('100%')).toEqual(['FIND-1']);
    expect(await find('_')).toEqual(['FIND-2']);
    expect(await find('\\')).toEqual(['FIND-3']);
    expect(await find("'")).toEqual([]);
  });
});

describe('a company', () => {
  test('with a name that is taken is refused, and others than the admin make none', async () => {
    const again = await gateway.admin.post('/companies', { name: mine.company.name });
    expect([again.status, again.body.code]).toEqual([409, 'conflict']);
    for (const by of [mine.clerk, mine.operator, mine.resident]) {
      expect((await by.post('/companies', { name: 'Mine' })).status).toBe(403);
    }
  });

  test('is made by the admin and found again', async () => {
    const made = await gateway.admin.post<Company>('/companies', { name: ' 襄汾燃气 ' });
    expect([made.status, made.body.name]).toEqual([201, '襄汾燃气']);
    expect((await gateway.admin.get<Company>(`/companies/${made.body.id}`)).body).toEqual(made.body);
    expect((await mine.clerk.get(`/companies/${made.body.id}`)).status).toBe(404);
  });
});

describe('the tree of areas', () => {
  const areasOf = async (by = gateway.admin) => (await by.get<{ items: Area[] }>('/areas')).body.items;

  test('hangs together: every parent is there, one level above', async () => {
    const areas = await areasOf();
    expect(areas.length).toBeGreaterThan(200);
    const levels = ['county', 'township', 'village', 'cell'];
    const byCode = new Map(areas.map((area) => [area.code, area]));
    expect(byCode.size).toBe(areas.length);
    for (const { code, level, parent } of areas) {
      if (parent === null) continue;
      expect(code.startsWith(parent), code).toBe(true);
      expect(levels.indexOf(byCode.get(parent)?.level ?? ''), code).toBe(levels.indexOf(level) - 1);
    }
    expect(areas.filter(({ parent }) => parent === null).map(({ level }) => level)).toEqual(['county']);
  });

  test('is an operator’s from the own township down', async () => {
    const codes = (await areasOf(mine.operator)).map(({ code }) => code);
    expect(codes).toContain(TOWNSHIP);
    expect(codes).toContain(VILLAGE);
    expect(codes.filter((code) => !code.startsWith(TOWNSHIP))).toEqual([]);
  });

  test('takes the responsible person of an area from those who may, and keeps it over a restart', async () => {
    await using folder = await tempFolder();
    const before = await startTestGateway({ folder: folder.path });
    const { operator, clerk, resident } = await makeHousehold(before);
    const responsiblePerson = { name: '王书记', phone: '0357-555' };
    for (const by of [clerk, resident]) {
      expect((await by.put(`/areas/${VILLAGE}`, { responsiblePerson })).status).toBe(403);
    }
    for (const [path, status] of [
      [OTHER_VILLAGE, 404],
      ['141023', 404],
      ['999999', 404],
      ['abc', 400],
    ] as const) {
      expect((await operator.put(`/areas/${path}`, { responsiblePerson })).status, path).toBe(status);
    }
    for (const wrong of [
      {},
      { responsiblePerson: {} },
      { responsiblePerson: { name: '' } },
      { responsiblePerson, name: 'x' },
    ]) {
      expect((await operator.put(`/areas/${VILLAGE}`, wrong)).status).toBe(400);
    }
    const put = await operator.put<Area>(`/areas/${VILLAGE}`, { responsiblePerson });
    expect([put.status, put.body.responsiblePerson]).toEqual([200, responsiblePerson]);
    await before[Symbol.asyncDispose]();

    await using after = await startTestGateway({ folder: folder.path });
    const admin = await signIn(after.origin, ADMIN);
    const found = (await areasOf(admin)).find(({ code }) => code === VILLAGE);
    expect(found?.responsiblePerson).toEqual(responsiblePerson);
    const removed = await admin.put<Area>(`/areas/${VILLAGE}`, { responsiblePerson: null });
    expect(removed.body.responsiblePerson).toBeNull();
  });

  test('counts what is below an area: terminals by status, alarms and cold homes', async () => {
    await using own = await startTestGateway();
    const home = await makeHousehold(own, VILLAGE);
    const other = await makeHousehold(own, OTHER_VILLAGE);
    const { id: householdId } = home.household;
    const cold = await makeTerminal(own.admin, { id: 'cold', profile: 'gas-boiler', householdId });
    const second = await makeTerminal(own.admin, { id: 'cold-2', profile: 'gas-boiler', householdId });
    const old = await makeTerminal(own.admin, { id: 'old', profile: 'gas-boiler', householdId });
    await makeTerminal(own.admin, { id: 'silent', profile: 'gas-boiler', householdId });
    await makeTerminal(own.admin, { id: 'far', profile: 'gas-boiler', householdId: other.household.id });
    for (const [terminal, time] of [
      [cold, Date.now()],
      [second, Date.now()],
      [old, Date.now() - 3_600_000],
    ] as const) {
      const client = await connectTerminal(own, terminal);
      await sendReading(client, terminal.id, { room_c: 15.9 }, time);
      if (terminal === cold) await publish(client, 'terminals/cold/events', { time, event: 'gas_leak', data: {} });
      await client.endAsync();
    }
    const overview = async (code: string, by = own.admin) =>
      (await by.get<AreaOverview>(`/areas/${code}/overview`)).body;
    // Two boilers of one home that are cold are one cold home.
    const counts = { terminals: 4, online: 2, offline: 1, unknown: 1, openAlarms: 1, coldHomes: 1 };
    expect(await overview(VILLAGE)).toMatchObject({ code: VILLAGE, ...counts });
    expect(await overview(TOWNSHIP, home.operator)).toMatchObject(counts);
    expect(await overview('141023', home.clerk)).toMatchObject(counts);
    expect(await overview('141023')).toMatchObject({ ...counts, terminals: 5, unknown: 2 });
    expect((await home.resident.get(`/areas/${VILLAGE}/overview`)).status).toBe(403);
  });
});
