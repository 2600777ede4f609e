import { describe, expect, test } from 'vitest';
import type { Household } from '../../src/http/schemas/people.ts';
import type { Terminal } from '../../src/http/schemas/terminals.ts';
import { makeTerminal, VILLAGE } from '../helpers/gateway.ts';
import { allPages, type Page, startVillages } from './stage.ts';

/** Lists that are longer than a page. */

let accounts = 0;

const { gateway, mine, theirs } = await startVillages();

const addHousehold = () =>
  mine.clerk.post('/households', {
    accountNo: `P-${++accounts}`,
    name: 'Neighbour',
    areaCode: VILLAGE,
    companyId: mine.company.id,
  });

describe('long lists', () => {
  const count = 125;

  test('of terminals are read page by page without loss or repetition, by each who may see them', async () => {
    const ids = Array.from({ length: count }, (_, n) => `${n % 2 ? 'Z' : 'a'}${n % 3 ? '-' : '_'}${n}`);
    for (const [n, id] of ids.entries()) {
      const householdId = n < 120 ? mine.household.id : theirs.household.id;
      await makeTerminal(gateway.admin, { id, profile: 'gas-boiler', householdId });
    }
    for (const [by, wanted] of [
      [gateway.admin, ids],
      [mine.clerk, ids.slice(0, 120)],
      [mine.resident, ids.slice(0, 120)],
    ] as const) {
      for (const limit of [1, 7, 60, 120, 500]) {
        const { items, sizes } = await allPages<Terminal>(by, '/terminals', limit);
        expect(items.map(({ id }) => id).sort()).toEqual([...wanted].sort());
        expect(sizes.slice(0, -1).every((size) => size === limit)).toBe(true);
        expect(sizes.at(-1)).toBeGreaterThan(0);
      }
    }
    const { items } = await allPages<Terminal>(gateway.admin, '/terminals?search=z-&status=unknown', 10);
    expect(items.map(({ id }) => id).sort()).toEqual(ids.filter((id) => id.startsWith('Z-')).sort());
  });

  test('of households stay whole while others are added between the pages', async () => {
    for (let n = 0; n < 5; n++) await addHousehold();
    const before = (await allPages<Household>(mine.clerk, '/households', 500)).items.map(({ id }) => id);
    const { body: first } = await mine.clerk.get<Page<Household>>('/households?limit=2');
    await addHousehold();
    const rest: Household[] = [];
    let cursor = first.nextCursor;
    while (cursor !== null) {
      const { body }: { body: Page<Household> } = await mine.clerk.get<Page<Household>>(
        `/households?limit=2&cursor=${cursor}`,
      );
      rest.push(...body.items);
      cursor = body.nextCursor;
    }
    const seen = [...first.items, ...rest].map(({ id }) => id);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.slice(0, before.length)).toEqual(before);
    expect(seen).toHaveLength(before.length + 1);
  });
});
