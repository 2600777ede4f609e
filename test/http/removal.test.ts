import { describe, expect, test } from 'vitest';
import type { Latest, Terminal } from '../../src/http/schemas/terminals.ts';
import { type ApiClient, closed, connectTerminal, makeTerminal, publish, sendReading } from '../helpers/gateway.ts';
import { type Page, startVillages } from './stage.ts';

/** What stays of a terminal that is taken away: nothing that anybody could still use. */

const PROFILE = 'gas-boiler';
let names = 0;

const { gateway, mine, theirs } = await startVillages();

const newName = () => `t${++names}`;
const create = (id: string, by: ApiClient) =>
  by.post<{ credentials?: { password: string } }>('/terminals', { id, profile: PROFILE, connection: { type: 'mqtt' } });

describe('a terminal that is removed', () => {
  test('is 404 everywhere, its connection is cut, and its secret opens nothing any more', async () => {
    const terminal = await makeTerminal(mine.clerk, { id: newName(), profile: PROFILE });
    const client = await connectTerminal(gateway, terminal);
    await sendReading(client, terminal.id, { room_c: 20 });
    const cut = closed(client);
    expect((await mine.clerk.delete(`/terminals/${terminal.id}`)).status).toBe(204);
    await cut;
    for (const what of ['', '/latest', '/readings?metric=room_c&from=1700000000000&to=1900000000000']) {
      expect((await gateway.admin.get(`/terminals/${terminal.id}${what}`)).status).toBe(404);
    }
    expect((await gateway.admin.command(terminal.id, { command: 'power', value: 'on' })).status).toBe(404);
    expect((await mine.clerk.delete(`/terminals/${terminal.id}`)).status).toBe(404);
    const { body: list } = await gateway.admin.get<Page<Terminal>>('/terminals?limit=500');
    expect(list.items.map(({ id }) => id)).not.toContain(terminal.id);
    await expect(connectTerminal(gateway, terminal)).rejects.toThrow(/not authorized|bad user/i);
  });

  test('and made again has another secret and none of the old values', async () => {
    const first = await makeTerminal(mine.clerk, { id: newName(), profile: PROFILE });
    const client = await connectTerminal(gateway, first);
    await sendReading(client, first.id, { room_c: 20 });
    const cut = closed(client);
    await mine.clerk.delete(`/terminals/${first.id}`);
    await cut;
    const second = await makeTerminal(mine.clerk, { id: first.id, profile: PROFILE });
    expect(second.secret).not.toBe(first.secret);
    await expect(connectTerminal(gateway, first)).rejects.toThrow(/not authorized|bad user/i);
    expect(await mine.clerk.latest(first.id)).toEqual({ status: 'unknown', lastSeenAt: null, values: {} });
  });

  test('and made again takes commands', async () => {
    const { id } = await makeTerminal(mine.clerk, { id: newName(), profile: PROFILE });
    expect((await mine.clerk.command(id, { command: 'power', value: 'on' })).status).toBe(202);
    await mine.clerk.delete(`/terminals/${id}`);
    await makeTerminal(mine.clerk, { id, profile: PROFILE });
    const again = await mine.clerk.command(id, { command: 'power', value: 'off' });
    expect([again.status, again.body.state]).toEqual([202, 'queued']);
  });

  test('and was a concentrator does not hand its terminals to another company that takes its id', async () => {
    const { id: concentrator } = await makeTerminal(mine.clerk, { id: newName(), profile: PROFILE });
    const connection = { type: 'mqtt' as const, via: concentrator };
    const behind = await makeTerminal(mine.clerk, { id: newName(), profile: PROFILE, connection });
    await mine.clerk.delete(`/terminals/${concentrator}`);
    const taken = await create(concentrator, theirs.clerk);
    const secret = taken.body.credentials?.password;
    if (secret !== undefined) {
      const intruder = await connectTerminal(gateway, { id: concentrator, secret });
      const cut = closed(intruder);
      await Promise.race([
        publish(intruder, `terminals/${behind.id}/readings`, { time: 1_768_000_000_000, values: { room_c: 1 } }),
        cut,
      ]);
      await intruder.endAsync();
    }
    const { body } = await mine.clerk.get<Latest>(`/terminals/${behind.id}/latest`);
    expect(body.values).toEqual({});
  });
});
