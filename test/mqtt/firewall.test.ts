import { generate } from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import { type Connect, readConnect, writeConnect } from '../../src/mqtt/connect.ts';
import { addressOf } from '../../src/mqtt/door.ts';
import { connectEnd } from '../../src/mqtt/firewall.ts';
import { frameAt } from '../../src/mqtt/packets.ts';
import { faultOf, publishedAt, topicFault } from '../../src/mqtt/rules.ts';

describe('the first bytes of a connection', () => {
  test.each<[string, number[], number | undefined]>([
    ['nothing yet', [], undefined],
    ['the type alone', [0x10], undefined],
    ['half of a length', [0x10, 0x80], undefined],
    ['a short CONNECT', [0x10, 0x0e], 16],
    ['the longest that is taken', [0x10, 0x80, 0x20], 4_099],
    ['one byte more', [0x10, 0x81, 0x20], Number.NaN],
    ['256 MiB', [0x10, 0xff, 0xff, 0xff, 0x7f], Number.NaN],
    ['a length of five bytes', [0x10, 0xff, 0xff, 0xff, 0xff], Number.NaN],
    ['a PUBLISH', [0x30, 0x0a], Number.NaN],
    ['a CONNECT with wrong flags', [0x11, 0x0e], Number.NaN],
    ['a browser', [...Buffer.from('GET / HTTP/1.1')], Number.NaN],
  ])('%s', (_case, bytes, expected) => expect(connectEnd(Buffer.from(bytes))).toBe(expected));
});

const name = [0, 4, ...Buffer.from('MQTT')];
const text = (value: string) => [0, value.length, ...Buffer.from(value)];

describe('a CONNECT', () => {
  test.each<[string, number[], RegExp, number | undefined]>([
    ['of another protocol', [0, 4, ...Buffer.from('AMQP'), 4, 2, 0, 0, ...text('A')], /3\.1\.2-1/, undefined],
    ['of MQTT 5', [...name, 5, 2, 0, 0, 0, ...text('A')], /level 5/, 1],
    ['of a level that no standard has', [...name, 3, 2, 0, 0, ...text('A')], /level 3/, 1],
    ['with its reserved flag', [...name, 4, 3, 0, 0, ...text('A')], /3\.1\.2-3/, undefined],
    [
      'with a will of QoS 3',
      [...name, 4, 0x1c, 0, 0, ...text('A'), ...text('t'), ...text('x')],
      /3\.1\.2-14/,
      undefined,
    ],
    ['with a will’s QoS and no will', [...name, 4, 0x0a, 0, 0, ...text('A')], /3\.1\.2-13/, undefined],
    ['with a will’s retain flag and no will', [...name, 4, 0x22, 0, 0, ...text('A')], /3\.1\.2-15/, undefined],
    ['with a password and no user name', [...name, 4, 0x42, 0, 0, ...text('A'), ...text('p')], /3\.1\.2-22/, undefined],
    ['with a client id that is no UTF-8', [...name, 4, 2, 0, 0, 0, 2, 0xc3, 0x28], /UTF-8/, undefined],
    ['with a surrogate in its client id', [...name, 4, 2, 0, 0, 0, 3, 0xed, 0xa0, 0x80], /UTF-8/, undefined],
    ['with U+0000 in its client id', [...name, 4, 2, 0, 0, ...text('A\0B')], /UTF-8/, undefined],
    [
      'that ends too early',
      [...name, 4, 0xc2, 0, 0, ...text('A'), ...text('A'), 0, 9, 1],
      /middle of a field/,
      undefined,
    ],
    ['that goes on', [...name, 4, 2, 0, 0, ...text('A'), 0], /follows/, undefined],
    ['of nothing', [], /middle of a field/, undefined],
  ])('%s is refused', (_case, bytes, wrong, returnCode) => {
    const greeting = readConnect(Buffer.from(bytes));
    expect(greeting).toEqual({ wrong: expect.stringMatching(wrong), ...(returnCode && { returnCode }) });
  });

  test('says who the client is, and the broker is told of it by its terminal id alone', () => {
    const will = {
      topic: 'terminals/A/status',
      payload: Buffer.from('{"online":false}'),
      qos: 1 as const,
      retain: true,
    };
    const packet = generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clientId: 'A|securemode=3',
      username: '户',
      password: Buffer.from([0, 255]),
      clean: false,
      keepalive: 300,
      will,
    });
    const bodyOf = (bytes: Buffer) => bytes.subarray(frameAt(bytes, 0)?.body);
    const greeting = readConnect(bodyOf(packet));
    const connect: Connect = {
      clientId: 'A|securemode=3',
      username: '户',
      password: Buffer.from([0, 255]),
      clean: false,
      keepAliveS: 300,
      will: { topic: will.topic, payload: will.payload, qos: 1 },
    };
    expect(greeting).toEqual({ connect });
    expect(readConnect(bodyOf(writeConnect('A', connect)))).toEqual({
      connect: { ...connect, clientId: 'A', username: undefined, password: undefined, keepAliveS: 0 },
    });
  });
});

describe('a packet after the login', () => {
  test.each<[string, number[], RegExp]>([
    ['a second CONNECT', [0x10, 0], /may not come/],
    ['a CONNACK', [0x20, 2, 0, 0], /may not come/],
    ['a SUBACK', [0x90, 3, 0, 1, 0], /may not come/],
    ['an UNSUBACK', [0xb0, 2, 0, 1], /may not come/],
    ['a PINGRESP', [0xd0, 0], /may not come/],
    ['type 0', [0x00, 0], /may not come/],
    ['type 15', [0xf0, 0], /may not come/],
    ['a PUBACK with flags', [0x41, 2, 0, 1], /may not come/],
    ['a PUBREL without its flag', [0x60, 2, 0, 1], /may not come/],
    ['a SUBSCRIBE without its flag', [0x80, 6, 0, 1, 0, 1, 0x61, 0], /may not come/],
    ['an UNSUBSCRIBE without its flag', [0xa0, 5, 0, 1, 0, 1, 0x61], /may not come/],
    ['a PINGREQ with flags', [0xc1, 0], /may not come/],
    ['a PINGREQ with a body', [0xc0, 1, 0], /length/],
    ['a DISCONNECT with flags', [0xe1, 0], /may not come/],
    ['a DISCONNECT with a body', [0xe0, 1, 0], /length/],
    ['a PUBACK for message 0', [0x40, 2, 0, 0], /2\.3\.1-1/],
    ['a PUBACK of three bytes', [0x40, 3, 0, 1, 0], /length/],
    ['a SUBSCRIBE with packet id 0', [0x82, 6, 0, 0, 0, 1, 0x61, 0], /2\.3\.1-1/],
    ['a SUBSCRIBE to nothing', [0x82, 2, 0, 1], /3\.8\.3-3/],
    ['a SUBSCRIBE to an empty filter', [0x82, 5, 0, 1, 0, 0, 0], /4\.7\.3-1/],
    ['a SUBSCRIBE with QoS 3', [0x82, 6, 0, 1, 0, 1, 0x61, 3], /3\.8\.3-4/],
    ['a SUBSCRIBE with reserved bits', [0x82, 6, 0, 1, 0, 1, 0x61, 0x81], /3\.8\.3-4/],
    ['a SUBSCRIBE that ends too early', [0x82, 5, 0, 1, 0, 1, 0x61], /middle/],
    ['a SUBSCRIBE whose # is not last', [0x82, 8, 0, 1, 0, 3, 0x23, 0x2f, 0x61, 0], /4\.7\.1-2/],
    ['a SUBSCRIBE to a level a+', [0x82, 7, 0, 1, 0, 2, 0x61, 0x2b, 0], /4\.7\.1-3/],
    ['a SUBSCRIBE that is no UTF-8', [0x82, 7, 0, 1, 0, 2, 0xc3, 0x28, 0], /1\.5\.3-1/],
    ['an UNSUBSCRIBE from nothing', [0xa2, 2, 0, 1], /3\.10\.3-2/],
    ['a PUBLISH with QoS 3', [0x36, 5, 0, 1, 0x61, 0, 1], /3\.3\.1-4/],
    ['a PUBLISH with QoS 0 that comes again', [0x38, 3, 0, 1, 0x61], /3\.3\.1-2/],
    ['a PUBLISH with message id 0', [0x32, 5, 0, 1, 0x61, 0, 0], /2\.3\.1-1/],
    ['a PUBLISH whose topic is longer than it is', [0x30, 3, 0, 9, 0x61], /middle/],
    ['a PUBLISH without its message id', [0x32, 3, 0, 1, 0x61], /middle/],
  ])('%s ends the connection', (_case, bytes, expected) => {
    const data = Buffer.from(bytes);
    const first = data[0] ?? 0;
    const frame = frameAt(data, 0) ?? { body: 0, end: 0 };
    const fault = first >> 4 === 3 ? publishedAt(data, 0, frame) : faultOf(first, data.subarray(frame.body, frame.end));
    expect(fault).toMatch(expected);
  });

  test.each<[string, number[]]>([
    ['a SUBSCRIBE', [0x82, 10, 0, 1, 0, 1, 0x61, 0, 0, 1, 0x2b, 2]],
    ['an UNSUBSCRIBE', [0xa2, 5, 0, 1, 0, 1, 0x23]],
    ['a PUBREL', [0x62, 2, 0, 1]],
    ['a PINGREQ', [0xc0, 0]],
    ['a DISCONNECT', [0xe0, 0]],
  ])('%s as it should be goes on', (_case, bytes) => {
    expect(faultOf(bytes[0] ?? 0, Buffer.from(bytes.slice(2)))).toBeUndefined();
  });

  test.each<[string, Buffer, RegExp | undefined]>([
    ['empty', Buffer.from(''), /4\.7\.3-1/],
    ['with a wildcard', Buffer.from('a/+'), /3\.3\.2-2/],
    ['with U+0000', Buffer.from('a\0'), /1\.5\.3-2/],
    ['no UTF-8', Buffer.from([0xff]), /1\.5\.3-1/],
    ['of a maker', Buffer.from('$oc/devices/1/sys'), undefined],
  ])('a topic %s', (_case, topic, fault) => {
    if (fault) expect(topicFault(topic)).toMatch(fault);
    else expect(topicFault(topic)).toBeUndefined();
  });
});

test.each([
  ['10.1.2.3', '10.1.2.3'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('a client from %s counts as one from %s', (remote, address) => expect(addressOf(remote)).toBe(address));
