import { describe, expect, test } from 'vitest';
import { reversed, write645 } from '../../device-sim/meter-codec.ts';
import { cutFrames } from '../../src/meters/framer.ts';
import { type Begun, understand } from '../../src/meters/incoming.ts';
import { profileNamed } from './stage.ts';

/** What messages over MQTT say of a block that a meter gives in parts: never a value of one member for that of another. */

const METER = '003411001043';
const BLOCK = '0001FF00';
const profile = profileNamed('dlt645-meter');

const beginning = (text: string) => write645(METER, 0xb1, Buffer.concat([reversed(BLOCK), Buffer.from(text, 'hex')]));
const part = (text: string, number: number, control = 0x92) =>
  write645(METER, control, Buffer.concat([reversed(BLOCK), Buffer.from(text, 'hex'), Buffer.of(number)]));

function heard(begun: Begun | undefined, ...frames: Buffer[]) {
  const said = understand(cutFrames(Buffer.concat(frames)).frames, profile, METER, begun);
  return { ...said, text: said.data.get(BLOCK)?.toString('hex') };
}

describe('a block in parts', () => {
  test('is put together within one message', () => {
    const { text, rejects } = heard(undefined, beginning('11111111'), part('22222222', 1, 0xb2), part('33333333', 2));
    expect(text).toBe('111111112222222233333333');
    expect(rejects).toEqual([]);
  });

  test('is put together over messages', () => {
    const first = heard(undefined, beginning('11111111'));
    expect(first.text).toBe('11111111');
    const second = heard(first.begun, part('22222222', 1));
    expect(second.text).toBe('1111111122222222');
    expect(second.begun).toBeUndefined();
  });

  test.each<[string, Buffer[]]>([
    ['alone', [part('22222222', 1)]],
    ['after another than the one before', [beginning('11111111'), part('33333333', 2)]],
    ['twice', [beginning('11111111'), part('22222222', 1, 0xb2), part('22222222', 1)]],
    [
      'after something else',
      [
        beginning('11111111'),
        write645(METER, 0x91, Buffer.concat([reversed('00010000'), Buffer.alloc(4)])),
        part('22222222', 1),
      ],
    ],
  ])('that comes %s is refused', (_case, frames) => {
    const { text, rejects } = heard(undefined, ...frames);
    expect(rejects).toMatchObject([{ reason: 'bad_payload', detail: expect.stringContaining(`of ${BLOCK}`) }]);
    expect(text?.startsWith('11111111') ?? true).toBe(true);
    expect(text ?? '').not.toContain('33333333');
  });
});
