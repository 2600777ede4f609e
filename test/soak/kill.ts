import { parseArgs } from 'node:util';
import { killRounds } from './kill-rounds.ts';
import { sharedRounds } from './shared-rounds.ts';

/**
 * `npm run soak -- --rounds 1000 --seed 1`: exit code 1 when something acknowledged was lost, stored twice or changed. `npm run soak shared`:
 * the same for two gateways that share a broker.
 */

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string' }, seed: { type: 'string' } },
  allowPositionals: true,
});
const isShared = positionals[0] === 'shared';
const rounds = Number(values.rounds ?? (isShared ? 100 : 1_000));
const seed = Number(values.seed ?? Date.now() % 1_000_000);
if (!(rounds >= 1) || !Number.isInteger(seed)) throw new Error('--rounds and --seed take whole numbers');

console.log(`${rounds} rounds, seed ${seed}`);
const began = Date.now();
const tally = await (isShared ? sharedRounds : killRounds)({ rounds, seed, said: console.log });
console.log(
  `values acknowledged ${tally.acknowledged}, found ${tally.found} (with those whose acknowledgement was cut off)`,
);
console.log(
  `lost ${tally.lost}, doubled ${tally.doubled}, wrong ${tally.wrong}, in ${Math.round((Date.now() - began) / 1_000)} s`,
);
process.exit(tally.lost + tally.doubled + tally.wrong > 0 ? 1 : 0);
