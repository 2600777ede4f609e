import { expect, test } from 'vitest';
import { fuzzRounds } from '../soak/fuzz-rounds.ts';

const SEED = 20_261_124;

test(`after 100,000 packets that are nearly right the gateway serves as before, and holds nothing of them (seed ${SEED})`, async () => {
  const { heldMiB } = await fuzzRounds({ rounds: 1, seed: SEED });
  expect(heldMiB).toBeLessThan(16);
}, 180_000);
