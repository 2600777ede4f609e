import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { covers } from '../../src/mqtt/filters.ts';
import { parsePath, valueAt } from '../../src/terminals/json-path.ts';
import { decodePayload, decodeUnwrapped, filled } from '../../src/terminals/mapping.ts';
import { parseProfile } from '../../src/terminals/profile.ts';

describe('a path', () => {
  test.each([
    ['a', ['a']],
    ['a.b[0].c', ['a', 'b', 0, 'c']],
    ['["switch:0"].apower', ['switch:0', 'apower']],
    ['a["b c"][12]', ['a', 'b c', 12]],
  ])('%s', (text, path) => expect(parsePath(text)).toEqual(path));

  test.each([
    '',
    '.a',
    'a.',
    'a..b',
    'a b',
    'a[-1]',
    'a[*]',
    '$.a',
    'a[?(@.b)]',
    "a['b']",
    'a[',
    'a.b()',
    'a[0]b',
    '..',
  ])('"%s" is none', (text) => expect(parsePath(text)).toBeUndefined());

  test('finds what is there, and only that', () => {
    expect(valueAt({ a: [{ b: null }] }, ['a', 0, 'b'])).toBeNull();
    for (const path of [['constructor'], ['__proto__'], ['a', 'length', 'x'], ['a', 5], ['a', 0, 'b', 'c']]) {
      expect(valueAt({ a: [{ b: null }] }, path)).toBeUndefined();
    }
    expect(valueAt('text', [0])).toBeUndefined();
  });

  test('written from any keys is read as them', () => {
    const key = fc.oneof(
      fc.nat(9_999),
      fc.string({ minLength: 1, maxLength: 20 }).filter((k) => !/["\\]/.test(k)),
    );
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 12 }), (path) => {
        expect(parsePath(path.map((step) => `[${JSON.stringify(step)}]`).join(''))).toEqual(
          path.every((step) => typeof step === 'number' || JSON.stringify(step) === `"${step}"`) ? path : undefined,
        );
      }),
    );
  });
});

test('a template keeps types where the placeholder stands alone, and nothing else is read in it', () => {
  const filling = { value: true, id: 'A$&', request: 7 };
  expect(filled({ a: '{value}', b: ['{request}', 'n{request}-{id}={value}'], c: '{other}', d: 5 }, filling)).toEqual({
    a: true,
    b: [7, 'n7-A$&=true'],
    c: '{other}',
    d: 5,
  });
  expect(filled('{value}{id}', { ...filling, value: '{id}' })).toBe('{id}A$&');
});

test.each([
  ['a/b', 'a/b', true],
  ['a/+', 'a/b', true],
  ['a/#', 'a/b/c', true],
  ['a/#', 'a', true],
  ['a/+', 'a', false],
  ['a/+', 'a/b/c', false],
  ['a/b', 'a/bc', false],
  ['+/b', '/b', true],
])('the filter %s covers %s: %s', (filter, topic, expected) => expect(covers(filter, topic)).toBe(expected));

const wordy = parseProfile(
  `profile: x
title: { zh: 甲, en: A }
kind: electric_heater
source: none
protocol: mqtt
dialect: thingsboard
offlineAfterS: 60
metrics:
  room_c: { kind: gauge, min: -40, max: 80, from: { json: temperature, absent: [null] }, title: { zh: 室温, en: Room } }
examples:
  - frame: { topic: v1/devices/me/telemetry, payload: { temperature: 20 } }
    values: { room_c: 20 }
`,
  'x.yaml',
);

test('an infinity is refused as one, not as the nothing that JSON makes of it, and the items stay for quarantine', () => {
  const bounds = { now: 1_700_000_000_000, maxFutureMs: 0, installedAt: null };
  const items = [
    { time: bounds.now, values: { temperature: Number.POSITIVE_INFINITY } },
    { time: Number.POSITIVE_INFINITY, values: { temperature: 20 } },
  ];
  const before = structuredClone(items);
  const decoded = decodeUnwrapped(wordy, items, bounds);
  expect(decoded).toMatchObject({
    readings: [],
    rejects: [
      { reason: 'wrong_type', metric: 'room_c', detail: 'Infinity is not a finite number' },
      { reason: 'bad_time', detail: 'Infinity is neither RFC 3339 nor epoch ms' },
    ],
  });
  expect(items).toEqual(before);
  const text = `[{"time":${bounds.now},"values":{"temperature":1e400}},{"time":1e400,"values":{"temperature":20}}]`;
  expect(decodePayload(wordy, Buffer.from(text), bounds)).toEqual(decoded);
});

describe('a profile of another dialect is refused', () => {
  const good = `profile: x
title: { zh: 甲, en: A }
kind: electric_heater
source: none
protocol: mqtt
dialect: json
offlineAfterS: 60
messages: { up: ['x/{id}/up'] }
metrics:
  power_on: { kind: state, from: { json: on }, title: { zh: 开关, en: On } }
commands:
  power:
    {
      values: { on: 1, off: 0 },
      send: { topic: 'x/{id}/down', words: { on: true, off: false } },
      confirm: power_on,
      timeoutS: 60,
      title: { zh: 开关, en: Power },
    }
examples:
  - frame: { topic: 'x/{id}/up', payload: { on: true } }
    values: { power_on: 1 }
`;
  test('not when it is good', () => expect(parseProfile(good, 'x.yaml').dialect).toBe('json'));

  test.each([
    ['when its topic has a wildcard', good.replace('x/{id}/up', 'x/+/{id}'), 'wildcards'],
    ['when its topic names no terminal', good.replace("['x/{id}/up']", "['x/up']"), '{id} must be'],
    ['when its topic has the name within a level', good.replace("['x/{id}/up']", "['x{id}/{id}']"), 'stands alone'],
    ['when its path is an expression', good.replace('json: on', "json: 'on ? 1 : 0'"), 'metrics.power_on.from'],
    ['when a metric lies nowhere', good.replace('from: { json: on }, ', ''), 'where does it lie'],
    ['when a command is not told', good.replace(/send: .*\n/, '\n'), 'commands.power.send'],
    ['when a command has no topic', good.replace("topic: 'x/{id}/down'", 'name: x'), 'commands.power.send: topic'],
    ['when a word is missing', good.replace(', off: false', ''), 'what is off for the device'],
    ['when its dialect needs no messages', good.replace('dialect: json', 'dialect: tasmota'), 'messages'],
    ['when its dialect does not exist', good.replace('dialect: json', 'dialect: klingon'), 'dialect'],
    [
      'a path stands in Hearthgate’s own',
      good.replace('dialect: json\n', '').replace(/messages: .*\n/, ''),
      'another dialect',
    ],
    ['when a scale loses the value', good.replace('json: on', 'json: on, scale: 0'), 'metrics.power_on.from'],
  ])('%s', (_case, text, message) => expect(() => parseProfile(text, 'x.yaml')).toThrow(message));
});
