import { parseArgs } from 'node:util';
import { fuzzRounds } from './fuzz-rounds.ts';
import { killRounds } from './kill-rounds.ts';
import { sharedRounds } from './shared-rounds.ts';

/**
 * `npm run soak [kill | shared | fuzz] -- --rounds 1000 --seed 1`: a gateway, or two that share a broker, killed under load again and again; or
 * packets that are nearly right sent to the MQTT port, 100,000 a round. Exit code 1 when something was lost, doubled, changed or held.
 */

const KINDS = {
  kill: { run: killRounds, rounds: 1_000 },
  shared: { run: sharedRounds, rounds: 100 },
  fuzz: { run: fuzzRounds, rounds: 20 },
};

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string' }, seed: { type: 'string' } },
  allowPositionals: true,
});
const kind = Object.entries(KINDS).find(([name]) => name === (positionals[0] ?? 'kill'))?.[1];
if (!kind) throw new Error(`there are ${Object.keys(KINDS).join(', ')}`);
const rounds = Number(values.rounds ?? kind.rounds);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
if (!(rounds >= 1) || !Number.isInteger(seed)) throw new Error('--rounds and --seed take whole numbers');

console.log(`${rounds} rounds, seed ${seed}`);
const began = Date.now();
const tally = await kind.run({ rounds, seed, said: console.log });
const seconds = Math.round((Date.now() - began) / 1_000);
if ('packets' in tally) {
  console.log(
    `${tally.packets} packets in ${seconds} s; a terminal is served as before; ${tally.heldMiB.toFixed(1)} MiB are held`,
  );
  process.exit(tally.heldMiB > 16 ? 1 : 0);
}
console.log(
  `values acknowledged ${tally.acknowledged}, found ${tally.found} (with those whose acknowledgement was cut off)`,
);
const { refused = 0 } = tally;
console.log(`lost ${tally.lost}, doubled ${tally.doubled}, wrong ${tally.wrong}, refused ${refused}, in ${seconds} s`);
process.exit(tally.lost + tally.doubled + tally.wrong + refused > 0 ? 1 : 0);
