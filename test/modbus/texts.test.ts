import { expect, test } from 'vitest';
import { textOf } from '../../src/modbus/texts.ts';
import { parseProfile } from '../../src/terminals/profile.ts';
import { fileOf, run, startServer } from '../field/stage.ts';
import { TWINS } from './devices.ts';

/** What a device says of itself in letters. */

const words = (text: string): number[] => {
  const bytes = Buffer.from(text, 'latin1');
  return Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16BE(2 * i));
};

test.each([
  ['ends at the first zero', 'HG-12\0??', 'abcd', 'HG-12'],
  ['loses the blanks around it', ' HG-12  ', 'abcd', 'HG-12'],
  ['has its bytes swapped where the profile says so', 'GH1-\x002', 'badc', 'HG-12'],
  ['is none where bytes are no letters', '\x80\xff\x01\x02', 'abcd', undefined],
  ['is none where nothing stands', '\0\0\0\0', 'abcd', undefined],
] as const)('a text %s', (_case, raw, order, text) => {
  expect(textOf(words(raw), order)).toBe(text);
});

const TEXTS = `
texts:
  serial: { from: { holding: 500, words: 4 }, title: { zh: 序列号, en: Serial } }
  model: { from: { holding: 600, words: 4 }, title: { zh: 型号, en: Model } }
`;

test('texts are read beside the values, and one that the device refuses costs no value', async () => {
  const port = await startServer((socket) =>
    socket.on('data', (request) => {
      const [address, count] = [request.readUInt16BE(8), request.readUInt16BE(10)];
      const data = address === 500 ? Buffer.from('HG-1234\0', 'latin1') : Buffer.alloc(2 * count, 1);
      const pdu = address === 600 ? Buffer.of(0x83, 2) : Buffer.concat([Buffer.of(3, data.length), data]);
      socket.write(Buffer.concat([request.subarray(0, 4), Buffer.of(0, pdu.length + 1, 1), pdu]));
    }),
  );
  const file = await fileOf('twins.yaml', `${TWINS}${TEXTS}`);
  const args = ['--profile', file, '--json', '--timeout', '5000'];
  const { stdout } = await run(['modbus', 'read', `tcp://127.0.0.1:${port}`, '1', ...args]);
  const { texts, metrics } = JSON.parse(stdout);
  expect(texts).toEqual({ serial: 'HG-1234' });
  expect(metrics).toHaveLength(3);
  expect(metrics[0]).toMatchObject({ metric: 'supply_c', value: 257 });
});

test.each([
  ['of more words than one request takes', TEXTS.replace('words: 4', 'words: 64'), 'wider than poll.maxRegisters'],
  ['in both tables', TEXTS.replace('holding: 500', 'holding: 500, input: 1'), 'name one of holding and input'],
])('a profile with a text %s is refused', (_case, texts, message) => {
  const small = TWINS.replace('timeoutMs: 150', 'timeoutMs: 150, maxRegisters: 32');
  expect(() => parseProfile(`${small}${texts}`, 'x.yaml')).toThrow(message);
});
