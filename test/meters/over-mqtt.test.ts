import { expect, onTestFinished, test } from 'vitest';
import { reversed, write645 } from '../../device-sim/meter-codec.ts';
import { createLog } from '../../src/lib/log.ts';
import { startMeterFrames } from '../../src/meters/over-mqtt.ts';
import { NO_CREDENTIALS } from '../../src/terminals/credentials.ts';
import type { Terminal } from '../../src/terminals/registry.ts';
import { heldClock } from '../helpers/clock.ts';
import { PASSWORD, profileNamed } from './stage.ts';

/** Orders over MQTT whose answers come when nobody waits for them any more. */

const METER = '003411001043';
const ACCEPTED = write645(METER, 0x9c, Buffer.alloc(0));
const REFUSED = write645(METER, 0xdc, Buffer.of(1));

function startScene() {
  const clock = heldClock();
  const terminal: Terminal = {
    ...{
      id: 'E1',
      profile: profileNamed('dlt645-meter'),
      connection: { type: 'mqtt', address: METER },
      ...NO_CREDENTIALS,
    },
    ...{ householdId: null, householdName: null, householdSince: null, companyId: null, areaCode: null },
    ...{ installedAt: null, createdAt: 0 },
  };
  const answers: boolean[] = [];
  const stored: string[] = [];
  const refused: string[] = [];
  const sent: Buffer[] = [];
  const frames = startMeterFrames({
    registry: { find: () => terminal, all: () => [terminal] },
    uplink: {
      receiveMeter: async (_terminal, data) => void stored.push(...data.keys()),
      receiveAnswer: async (_terminal, { accepted }) => void answers.push(accepted),
      refuse: async (_terminal, rejects) => void refused.push(...rejects.map(({ detail }) => detail ?? '')),
    },
    settings: { password: PASSWORD, passwords: {}, passwordLevel: '02', operator: '00000000' },
    // What is polled is not looked at here.
    owns: () => false,
    clock,
    log: createLog('silent'),
  });
  onTestFinished(() => frames[Symbol.dispose]());
  frames.sendThrough(() => async (payload) => {
    sent.push(Buffer.from(payload));
    return true;
  });
  const carrier = frames.over({ give: async () => ({ result: 'not_given' }) });
  return {
    clock,
    answers,
    stored,
    refused,
    sent,
    hear: (frame: Buffer) => frames.take(terminal, frame),
    /** Begins to give a command; it is on its way when this is through. */
    async give(value: string) {
      const command = { command: 'power', value, expiresAt: clock.now() + 60_000 };
      const outcome = carrier.give(terminal, command as Parameters<typeof carrier.give>[1], async () => true);
      await clock.advance(0);
      return { outcome };
    },
  };
}

test('an answer in time is the order’s', async () => {
  const { give, hear } = startScene();
  const { outcome } = await give('off');
  await hear(ACCEPTED);
  expect(await outcome).toEqual({ result: 'taken' });
});

test('an answer that comes late is the order’s that is the only one', async () => {
  const { give, hear, clock, answers, sent } = startScene();
  const { outcome } = await give('off');
  await clock.advance(10_000);
  expect(await outcome).toEqual({ result: 'given' });
  await hear(REFUSED);
  expect(answers).toEqual([false]);
  // Nothing was sent again.
  expect(sent).toHaveLength(1);
});

test.each([
  ['accepts', ACCEPTED],
  ['refuses', REFUSED],
])('a late answer that %s the order before says nothing of the next one', async (_word, late) => {
  const { give, hear, clock, answers } = startScene();
  const first = await give('off');
  await clock.advance(10_000);
  await first.outcome;
  const second = await give('on');
  await hear(late);
  expect(await second.outcome).toEqual({ result: 'given' });
  // One of the two is still owed: which is no longer asked after two minutes.
  await clock.advance(121_000);
  const third = await give('off');
  await hear(ACCEPTED);
  expect(await third.outcome).toEqual({ result: 'taken' });
  expect(answers).toEqual([]);
});

test('of two orders without an answer a late one is neither’s', async () => {
  const { give, hear, clock, answers } = startScene();
  for (const value of ['off', 'on']) {
    const { outcome } = await give(value);
    await clock.advance(10_000);
    expect(await outcome).toEqual({ result: 'given' });
  }
  await hear(REFUSED);
  expect(answers).toEqual([]);
});

test('what follows an answer in a message of its own is not taken for its beginning', async () => {
  const { hear, stored, refused } = startScene();
  await hear(write645(METER, 0x92, Buffer.concat([reversed('0001FF00'), Buffer.from('1111111101', 'hex')])));
  expect(stored).toEqual([]);
  expect(refused).toMatchObject([expect.stringContaining('does not follow')]);
});
