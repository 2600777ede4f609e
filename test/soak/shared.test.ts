import { expect, test } from 'vitest';
import { noInflux1, noMosquitto, noPostgres } from '../helpers/servers.ts';
import { sharedRounds } from './shared-rounds.ts';

const needed = noMosquitto ?? noPostgres ?? noInflux1;

test('what a broker acknowledged is stored once, whichever of two gateways or the broker ends in the middle', async ({
  skip,
}) => {
  skip(needed !== undefined, needed);
  const blows = ['one', 'broker', 'other', 'both', 'away'] as const;
  const tally = await sharedRounds({ rounds: blows.length, seed: 7, blows: [...blows] });
  expect(tally.acknowledged).toBeGreaterThan(1_000);
  expect(tally).toMatchObject({ lost: 0, doubled: 0, wrong: 0, refused: 0 });
}, 180_000);
