import { describe, expect, test } from 'vitest';
import type { Claimed, CredentialState, NewCredentials } from '../../src/http/schemas/provisioning.ts';
import type { ClaimCode, Terminal } from '../../src/http/schemas/terminals.ts';
import { systemClock } from '../../src/lib/clock.ts';
import {
  closed,
  connectTerminal,
  makeHousehold,
  makeTerminal,
  startTestGateway,
  type TestTerminal,
  VILLAGE,
} from '../helpers/gateway.ts';
import { tempFolder } from '../helpers/temp.ts';
import { startVillages } from './stage.ts';

/** Secrets that change while terminals are out there, and terminals that are claimed where they are installed. */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** By how much time has gone on for the gateway. */
let ahead = 0;
let names = 0;

const { gateway, mine, theirs } = await startVillages({
  clock: { ...systemClock, now: () => Date.now() + ahead, ticks: () => performance.now() + ahead },
  overrides: { http: { sessionHours: 720 }, provisioning: { claimsPerMinute: 3, rotationHours: 24, claimDays: 10 } },
});

const newName = () => `c${++names}`;
const boiler = () => makeTerminal(mine.clerk, { id: newName(), profile: 'gas-boiler' });
const rotate = async (id: string) => (await mine.clerk.post<NewCredentials>(`/terminals/${id}/credentials`)).body;
const state = async (id: string) => (await mine.clerk.get<CredentialState>(`/terminals/${id}/credentials`)).body.state;
const opens = async (terminal: TestTerminal): Promise<boolean> => {
  try {
    await (await connectTerminal(gateway, terminal)).endAsync();
    return true;
  } catch (error) {
    // Anything else keeps out for another reason.
    expect(String(error)).toMatch(/not authorized|bad user/i);
    return false;
  }
};

describe('a new secret', () => {
  test('works beside the old one, until it was used', async () => {
    const old = await boiler();
    const { username, password } = await rotate(old.id);
    expect([username, await state(old.id)]).toEqual([old.id, 'rotating']);
    expect(await opens(old)).toBe(true);
    expect(await opens({ ...old, secret: password })).toBe(true);
    expect([await opens(old), await state(old.id)]).toEqual([false, 'set']);
  });

  test('asked for again before the terminal got it leaves the terminal its own', async () => {
    const old = await boiler();
    const lost = await rotate(old.id);
    const found = await rotate(old.id);
    expect(await opens({ ...old, secret: lost.password })).toBe(false);
    expect(await opens(old)).toBe(true);
    expect(await opens({ ...old, secret: found.password })).toBe(true);
    expect(await opens(old)).toBe(false);
  });

  test('ends the old one when its time is over, also where that is connected', async () => {
    const old = await boiler();
    const client = await connectTerminal(gateway, old);
    const { previousUntil } = await rotate(old.id);
    expect(Date.parse(previousUntil ?? '') - Date.now() - ahead).toBeGreaterThan(23 * HOUR_MS);
    const cut = closed(client);
    ahead += DAY_MS;
    await cut;
    expect([await opens(old), await state(old.id)]).toEqual([false, 'set']);
  });

  test('is not for a Modbus unit, nor for who does not see the terminal', async () => {
    const connection = { type: 'modbus', line: { host: '127.0.0.1', port: 1 }, unit: 1 } as const;
    const own = { householdId: mine.household.id, connection };
    const unit = await makeTerminal(gateway.admin, { id: newName(), profile: 'eastron-sdm120', ...own });
    expect((await mine.clerk.post(`/terminals/${unit.id}/credentials`)).status).toBe(409);
    const { id } = await boiler();
    for (const call of [theirs.clerk.post, theirs.clerk.get, theirs.clerk.delete]) {
      expect((await call(`/terminals/${id}/credentials`)).status).toBe(404);
    }
    expect((await mine.operator.post(`/terminals/${id}/credentials`)).status).toBe(403);
  });
});

describe('a terminal whose credentials are revoked', () => {
  test('is cut, and neither its secret nor the one before opens anything', async () => {
    const old = await boiler();
    const client = await connectTerminal(gateway, old);
    const { password } = await rotate(old.id);
    const cut = closed(client);
    expect((await mine.clerk.delete(`/terminals/${old.id}/credentials`)).status).toBe(204);
    await cut;
    expect([await opens(old), await opens({ ...old, secret: password }), await state(old.id)]).toEqual([
      false,
      false,
      'none',
    ]);
    const { password: next } = await rotate(old.id);
    expect(await opens({ ...old, secret: next })).toBe(true);
  });

  test('may be all of a company at once; nobody else’s is cut', async () => {
    const { clerk, company } = await makeHousehold(gateway, VILLAGE);
    const its = await Promise.all([1, 2, 3].map(() => makeTerminal(clerk, { id: newName(), profile: 'gas-boiler' })));
    const clients = await Promise.all(its.map((terminal) => connectTerminal(gateway, terminal)));
    const other = await boiler();
    const stays = await connectTerminal(gateway, other);
    const cut = Promise.all(clients.map(closed));
    expect((await clerk.delete(`/companies/${company.id}/credentials`)).status).toBe(403);
    const answer = await gateway.admin.delete<{ revoked: number }>(`/companies/${company.id}/credentials`);
    expect([answer.status, answer.body.revoked]).toEqual([200, 3]);
    await cut;
    expect(stays.connected).toBe(true);
    await stays.endAsync();
  });

  test('stays so after a restart, as does a secret that overlaps', async () => {
    await using folder = await tempFolder();
    let its: TestTerminal;
    let both: TestTerminal;
    let next: NewCredentials;
    {
      await using first = await startTestGateway({ folder: folder.path });
      its = await makeTerminal(first.admin, { id: newName(), profile: 'gas-boiler' });
      both = await makeTerminal(first.admin, { id: newName(), profile: 'gas-boiler' });
      await first.admin.delete(`/terminals/${its.id}/credentials`);
      next = (await first.admin.post<NewCredentials>(`/terminals/${both.id}/credentials`)).body;
    }
    await using second = await startTestGateway({ folder: folder.path });
    await expect(connectTerminal(second, its)).rejects.toThrow(/not authorized|bad user/i);
    await (await connectTerminal(second, both)).endAsync();
    await (await connectTerminal(second, { ...both, secret: next.password })).endAsync();
  });
});

test('a terminal that moves to another household is cut', async () => {
  const terminal = await boiler();
  const client = await connectTerminal(gateway, terminal);
  const cut = closed(client);
  await mine.clerk.patch(`/terminals/${terminal.id}`, { householdId: mine.household.id });
  await cut;
  expect(await opens(terminal)).toBe(true);
});

describe('a terminal that waits to be claimed', () => {
  type Created = Terminal & { credentials: { password: string } | null; claim: ClaimCode | null };
  async function waiting(by = mine.clerk) {
    const id = newName();
    const body = { id, profile: 'gas-boiler', connection: { type: 'mqtt' }, unclaimed: true };
    const created = await by.post<Created>('/terminals', body);
    expect(created.status).toBe(201);
    return {
      id,
      code: created.body.claim?.code ?? '',
      secret: created.body.credentials?.password ?? '',
      body: created.body,
    };
  }
  const claim = (body: object, by = mine.clerk) => by.post<Claimed & { code?: string }>('/claims', body);
  /** Wrong claims are limited by the minute. */
  const nextMinute = () => {
    ahead += 60_000;
  };

  test('lets nobody in before, and is bound and let in by its code', async () => {
    nextMinute();
    const { id, code, secret, body } = await waiting();
    expect(body).toMatchObject({ unclaimed: true, claim: { text: `hearthgate:claim?id=${id}&code=${code}` } });
    expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}$/);
    expect(await opens({ id, secret })).toBe(false);
    const installedAt = '2026-11-20T02:00:00.000Z';
    const claimed = await claim({
      id,
      code: code.toLowerCase().replaceAll('-', ' '),
      accountNo: mine.household.accountNo,
      installedAt,
    });
    expect([claimed.status, claimed.headers.get('location')]).toEqual([201, `/api/v1/terminals/${id}`]);
    expect(claimed.body).toMatchObject({
      unclaimed: false,
      householdId: mine.household.id,
      areaCode: VILLAGE,
      installedAt,
      credentials: null,
    });
    expect(await opens({ id, secret })).toBe(true);
    const again = await claim({ id, code, accountNo: mine.household.accountNo });
    expect([again.status, again.body.code]).toEqual([422, 'wrong_claim']);
  });

  test('is listed among those that wait, and no more when it was claimed', async () => {
    nextMinute();
    const { id, code } = await waiting();
    const listed = async (unclaimed: boolean) =>
      (await mine.clerk.get<{ items: Terminal[] }>(`/terminals?limit=500&unclaimed=${unclaimed}`)).body.items.some(
        (terminal) => terminal.id === id,
      );
    expect([await listed(true), await listed(false)]).toEqual([true, false]);
    await claim({ id, code, householdId: mine.household.id });
    expect([await listed(true), await listed(false)]).toEqual([false, true]);
  });

  test('gets its secret with the claim when it has none', async () => {
    nextMinute();
    const { id, code } = await waiting();
    await mine.clerk.delete(`/terminals/${id}/credentials`);
    const { body } = await claim({ id, code, householdId: mine.household.id });
    expect(await opens({ id, secret: body.credentials?.password ?? '' })).toBe(true);
  });

  test('answers a wrong code as an id that nobody has, and after some of them not at all for a minute', async () => {
    nextMinute();
    const { id, code } = await waiting();
    const household = { householdId: mine.household.id };
    const wrong = [
      await claim({ id, code: 'AAAAA-AAAAA-AAAAA-AAAAA', ...household }),
      await claim({ id: 'nobody', code, ...household }),
    ];
    expect(new Set(wrong.map(({ status, body }) => `${status} ${JSON.stringify(body)}`)).size).toBe(1);
    await claim({ id, code: 'A', ...household });
    const limited = await claim({ id, code, ...household });
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '60']);
    nextMinute();
    expect((await claim({ id, code, ...household })).status).toBe(201);
  });

  test('is limited by itself too, whoever tries', async () => {
    nextMinute();
    const { id, code } = await waiting();
    const household = { householdId: theirs.household.id };
    for (const by of [mine.clerk, theirs.clerk, gateway.admin]) await claim({ id, code: 'A', ...household }, by);
    expect((await claim({ id, code, householdId: mine.household.id })).status).toBe(429);
  });

  test('keeps its code when the household was wrong, and right attempts are not limited', async () => {
    nextMinute();
    const { id, code } = await waiting();
    for (const accountNo of ['NOBODY', theirs.household.accountNo, 'NOBODY', 'NOBODY', 'NOBODY']) {
      const refused = await claim({ id, code, accountNo });
      expect([refused.status, refused.body.code]).toEqual([422, 'unknown_reference']);
    }
    expect((await claim({ id, code, accountNo: mine.household.accountNo })).status).toBe(201);
  });

  test('goes to the company that has it, or to any from the county’s store', async () => {
    nextMinute();
    const its = await waiting();
    const other = await claim(
      { ...its, body: undefined, secret: undefined, householdId: theirs.household.id },
      theirs.clerk,
    );
    expect([other.status, other.body.code]).toEqual([422, 'wrong_claim']);
    const { id, code } = await waiting(gateway.admin);
    const claimed = await claim({ id, code, householdId: theirs.household.id }, theirs.clerk);
    expect([claimed.status, claimed.body.companyId]).toEqual([201, theirs.company.id]);
  });

  test('can be claimed once only, however many try at the same moment', async () => {
    nextMinute();
    const { id, code } = await waiting();
    const all = await Promise.all(Array.from({ length: 3 }, () => claim({ id, code, householdId: mine.household.id })));
    expect(all.map(({ status }) => status).sort()).toEqual([201, 422, 422]);
  });

  test('needs a new code when the old one is too old or lost', async () => {
    nextMinute();
    const { id, code } = await waiting();
    ahead += 10 * DAY_MS;
    const late = await claim({ id, code, householdId: mine.household.id });
    expect([late.status, late.body.code]).toEqual([409, 'wrong_state']);
    const { body: renewed } = await mine.clerk.post<ClaimCode>(`/terminals/${id}/claim-code`);
    expect((await claim({ id, code, householdId: mine.household.id })).status).toBe(422);
    expect((await claim({ id, code: renewed.code, householdId: mine.household.id })).status).toBe(201);
    expect((await mine.clerk.post(`/terminals/${id}/claim-code`)).status).toBe(409);
  });

  test('gets its household in no other way, and is not for operators and residents', async () => {
    nextMinute();
    const { id, code } = await waiting();
    expect((await mine.clerk.patch(`/terminals/${id}`, { householdId: mine.household.id })).status).toBe(409);
    for (const by of [mine.operator, mine.resident]) {
      expect((await claim({ id, code, householdId: mine.household.id }, by)).status).toBe(403);
    }
    const body = { id: newName(), profile: 'gas-boiler', connection: { type: 'mqtt' }, unclaimed: true };
    expect((await mine.clerk.post('/terminals', { ...body, householdId: mine.household.id })).status).toBe(400);
  });
});
