import { describe, expect, test } from 'vitest';
import { announcesConnect } from '../../src/mqtt/firewall.ts';

describe('the first bytes of a connection', () => {
  test.each<[string, number[], boolean | undefined]>([
    ['nothing yet', [], undefined],
    ['the type alone', [0x10], undefined],
    ['half of a length', [0x10, 0x80], undefined],
    ['a short CONNECT', [0x10, 0x0e], true],
    ['the longest that is taken', [0x10, 0x80, 0x20], true],
    ['one byte more', [0x10, 0x81, 0x20], false],
    ['256 MiB', [0x10, 0xff, 0xff, 0xff, 0x7f], false],
    ['a length of five bytes', [0x10, 0xff, 0xff, 0xff, 0xff], false],
    ['a PUBLISH', [0x30, 0x0a], false],
    ['a CONNECT with wrong flags', [0x11, 0x0e], false],
    ['a browser', [...Buffer.from('GET / HTTP/1.1')], false],
  ])('%s', (_case, bytes, expected) => expect(announcesConnect(Buffer.from(bytes))).toBe(expected));
});
