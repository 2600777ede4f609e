import { openEmbeddedStore } from '../../src/readings/store-embedded.ts';
import { heldClock } from '../helpers/clock.ts';
import { storeParts } from '../helpers/store.ts';

/** Writes to the store of a folder until it is killed; says after each batch how many it wrote and its position. */

const MIDNIGHT = Date.UTC(2026, 10, 23, 16);
const BATCH = 500;
const clock = heldClock(MIDNIGHT);
const refuse = (refusals: unknown) => Promise.reject(new Error(`refused ${JSON.stringify(refusals)}`));
const parts = storeParts({ clock, refuse });
const store = await openEmbeddedStore(process.argv[2] ?? '', parts, { settleRows: 3_000 });
let position = await store.position();
for (let batches = 1; ; batches += 1) {
  const records = Array.from({ length: BATCH }, (_, i) => {
    const n = position + i + 1;
    return { sequence: n, terminalId: `T${n % 10}`, time: MIDNIGHT + n * 1_000, values: { room_c: n, supply_c: 40 } };
  });
  await clock.advance(BATCH * 1_000);
  await store.write(records);
  position += BATCH;
  process.stdout.write(`${batches} ${position}\n`);
}
