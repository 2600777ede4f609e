import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { projectRoot } from '../../src/config.ts';
import { decodeJson, decodeMessage } from '../../src/terminals/decode.ts';
import { parseProfile } from '../../src/terminals/profile.ts';
import { createScan } from '../../src/terminals/scan.ts';

const boiler = parseProfile(
  readFileSync(join(projectRoot, 'config/profiles/gas-boiler.yaml'), 'utf8'),
  'gas-boiler.yaml',
);
const NOW = Date.UTC(2026, 10, 24, 4);
const BOUNDS = { now: NOW, maxFutureMs: 300_000, installedAt: NOW - 86_400_000 };

/** The quick way must say what JSON says, with the values in the same order. */
function compare(text: string | Buffer): void {
  const payload = Buffer.from(text);
  const [quick, json] = [decodeMessage(boiler, payload, BOUNDS), decodeJson(boiler, payload, BOUNDS)];
  expect(quick).toEqual(json);
  expect(quick.readings.map(({ values }) => Object.entries(values))).toEqual(
    json.readings.map(({ values }) => Object.entries(values)),
  );
}

const space = fc.constantFrom('', '', '', ' ', '  ', '\n', '\t');
const digits = fc.stringMatching(/^[0-9]{0,18}$/);
const number = fc.oneof(
  fc.double().map(String),
  fc.double({ min: -40, max: 120 }).map(String),
  fc.double({ min: -40, max: 120 }).map((value) => value.toFixed(2)),
  fc.integer({ min: -40, max: 120 }).map(String),
  fc
    .tuple(fc.constantFrom('', '-', '+'), digits, fc.constantFrom('', '.', 'e', '..'), digits)
    .map((parts) => parts.join('')),
);
const value = fc.oneof(number, fc.constantFrom('true', 'false', 'null', 'tru', '"20"', '[1]', '{}', '-', ''));
const name = fc.constantFrom(
  ...Object.keys(boiler.metrics),
  'noise_db',
  'room\\u005fc',
  '__proto__',
  'constructor',
  '',
);
const member = fc.tuple(name, space, space, value).map(([key, a, b, raw]) => `"${key}"${a}:${b}${raw}`);
const odd = fc.array(member, { maxLength: 9 }).map((all) => all.join(','));
const warm = fc.double({ min: 4, max: 31, noNaN: true }).map((value) => value.toFixed(2));
/** Metrics of the profile, each once, with values of their kind: what goes the quick way. */
const usual = fc
  .uniqueArray(fc.constantFrom(...Object.entries(boiler.metrics)), { minLength: 1, selector: ([key]) => key })
  .chain((metrics) =>
    fc.tuple(
      ...metrics.map(([key, { kind }]) =>
        (kind === 'state' ? fc.constantFrom('true', 'false') : warm).map((raw) => `"${key}":${raw}`),
      ),
    ),
  )
  .map((all) => all.join(','));
const members = fc.oneof(odd, usual, usual);
const time = fc.oneof(
  fc.integer({ min: NOW - 90_000_000, max: NOW + 400_000 }).map(String),
  fc.constantFrom(`${NOW}.0`, `${NOW}.5`, `-${NOW}`, `0${NOW}`, '0', '1e12', `"${new Date(NOW).toISOString()}"`),
);
const message = fc
  .tuple(space, time, space, members, space, fc.constantFrom('}', '}', '}', ',"sequence":7}', '}}', ''))
  .map(([a, at, b, all, c, end]) => `${a}{${a}"time":${at}${b},${c}"values":{${all}${b}}${c}${end}${a}`);

test('whatever message comes, the quick way says what JSON says', () => {
  const scan = createScan(boiler);
  let quick = 0;
  const property = fc.property(message, (text) => {
    compare(text);
    if (scan(Buffer.from(text), BOUNDS.installedAt, NOW)) quick += 1;
  });
  fc.assert(property, { numRuns: 5_000 });
  expect(quick).toBeGreaterThan(20);
});

test('a number of any length is the one that JSON reads, to its last bit', () => {
  const long = fc
    .tuple(fc.integer({ min: 0, max: 29 }), fc.stringMatching(/^[0-9]{1,20}$/))
    .map((parts) => parts.join('.'));
  const written = fc.oneof(fc.double({ min: 0, max: 30 }).map(String), long);
  fc.assert(
    fc.property(written, (text) => compare(`{"time":${NOW},"values":{"room_c":${text}}}`)),
    { numRuns: 2_000 },
  );
});

test('with any byte of a usual message changed, left out or doubled, it says what JSON says', () => {
  const usual = Buffer.from(
    `{"time":${NOW},"values":{"supply_c":55.5,"room_c": 19.8,"setpoint_c":20,"gas_m3":0.05,"flame_on":true,"power_on":false}}`,
  );
  for (let at = 0; at < usual.length; at += 1) {
    compare(Buffer.concat([usual.subarray(0, at), usual.subarray(at + 1)]));
    compare(Buffer.concat([usual.subarray(0, at + 1), usual.subarray(at)]));
    compare(usual.subarray(0, at));
    for (const byte of Buffer.from(' ,.:-+0159eE"{}[]tfn\n\0')) {
      const changed = Buffer.from(usual);
      changed[at] = byte;
      compare(changed);
    }
  }
});

test('the usual message goes the quick way, in any order of its metrics and with spaces between', () => {
  const scan = createScan(boiler);
  for (const values of [
    '{"room_c":20.5,"power_on":true}',
    '{ "power_on": true, "room_c": 20.5 }',
    '{"gas_m3":1234.56}',
  ])
    expect(scan(Buffer.from(`{"time": ${NOW}, "values": ${values}}`), 0, NOW)?.values).toEqual(
      JSON.parse(values, (_, raw) => (raw === true ? 1 : raw)),
    );
});
