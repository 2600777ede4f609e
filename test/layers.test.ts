import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../src/config.ts';

/** What each place may import beside itself. A feature may use `terminals` and `areas`, but readings, commands and alarms meet only in uplink, downlink and sidelink. */
const BELOW = ['lib', 'db', 'audit', 'areas', 'imports'];
const FEATURES = ['terminals', 'weather', 'readings', 'commands', 'alarms', 'billing', 'reports', 'security', ...BELOW];
const ALLOWED: Record<string, string[]> = {
  lib: [],
  db: ['lib'],
  // Whoever changes something records it, so it knows of nobody.
  audit: ['db', 'lib'],
  areas: ['db', 'lib', 'audit'],
  // How a file comes in, whatever it brings.
  imports: ['db', 'lib', 'audit', 'areas'],
  terminals: BELOW,
  readings: [...BELOW, 'terminals'],
  commands: [...BELOW, 'terminals', 'weather'],
  weather: ['lib'],
  alarms: [...BELOW, 'terminals'],
  // A bill is made of what meters counted.
  billing: [...BELOW, 'terminals', 'readings'],
  reports: [...BELOW, 'billing'],
  security: BELOW,
  'config-payments.ts': ['lib'],
  'config-schema.ts': ['config-payments.ts', 'lib'],
  'config.ts': ['config-schema.ts', 'lib'],
  'uplink.ts': FEATURES,
  'downlink.ts': FEATURES,
  'sidelink.ts': ['uplink.ts', 'downlink.ts', ...FEATURES],
  health: ['uplink.ts', ...FEATURES],
  mqtt: ['config.ts', 'uplink.ts', 'downlink.ts', ...FEATURES],
  // What lies on a line, whatever it speaks; what speaks there is beside it.
  lines: ['downlink.ts', ...FEATURES],
  modbus: ['lines', 'uplink.ts', 'downlink.ts', ...FEATURES],
  meters: ['lines', 'uplink.ts', 'downlink.ts', ...FEATURES],
  http: ['config.ts', 'health', 'uplink.ts', 'downlink.ts', ...FEATURES],
  // Types only: see the next test.
  console: ['http'],
  // Beside types, what of the console needs none of its libraries: the size of what is built is tested.
  resident: ['http', 'console'],
  'upkeep.ts': ['config.ts', 'uplink.ts', ...FEATURES],
  'main.ts': [
    'config.ts',
    'health',
    'uplink.ts',
    'downlink.ts',
    'sidelink.ts',
    'upkeep.ts',
    'http',
    'mqtt',
    'lines',
    'modbus',
    'meters',
    ...FEATURES,
  ],
  demo: ['main.ts', 'config.ts', 'http', 'lib'],
  doctor: ['config.ts', 'health', ...FEATURES],
  client: ['http'],
  field: ['lines', 'modbus', 'meters', 'mqtt', 'client', ...FEATURES],
  'cli.ts': ['main.ts', 'config.ts', 'client', 'field', 'demo', 'doctor', 'mqtt', 'lib'],
  'device-sim': ['terminals'],
};

const placeOf = (path: string): string => {
  const [first = '', second = ''] = path.split('/');
  return first === 'src' ? second : first;
};

const files = globSync(['src/**/*.{ts,tsx}', 'device-sim/**/*.ts'], { cwd: projectRoot });

const imports = files.flatMap((file) => {
  const text = readFileSync(join(projectRoot, file), 'utf8');
  const found = text.matchAll(/(import|export)( type)?[^'"]*?from '(\.[^']+)'|import\('(\.[^']+)'\)/g);
  return [...found].map(([, , type, named, dynamic]) => ({
    file,
    typeOnly: type !== undefined,
    target: relative(projectRoot, join(projectRoot, dirname(file), named ?? dynamic ?? '')),
  }));
});

test('imports point one way', () => {
  expect(files.length).toBeGreaterThan(80);
  expect(imports.length).toBeGreaterThan(200);
  const wrong = imports
    .filter(({ file, target }) => placeOf(file) !== placeOf(target))
    .filter(({ file, target }) => !ALLOWED[placeOf(file)]?.includes(placeOf(target)))
    .map(({ file, target }) => `${file} → ${target}`);
  expect(wrong).toEqual([]);
});

test('the console and the residents’ page take nothing but types from the server, and the simulator nothing but profiles', () => {
  const outside = imports.filter(({ file, target }) => placeOf(file) !== placeOf(target));
  const ofConsole = outside.filter(({ file }) => placeOf(file) === 'console');
  expect(ofConsole.length).toBeGreaterThan(5);
  expect(ofConsole.filter(({ typeOnly, target }) => !typeOnly || !target.startsWith('src/http/schemas/'))).toEqual([]);
  const ofResident = outside.filter(({ file, target }) => placeOf(file) === 'resident' && placeOf(target) === 'http');
  expect(ofResident.length).toBeGreaterThan(5);
  expect(ofResident.filter(({ typeOnly }) => !typeOnly)).toEqual([]);
  const ofSimulator = outside.filter(({ file }) => placeOf(file) === 'device-sim');
  expect(new Set(ofSimulator.map(({ target }) => target))).toEqual(new Set(['src/terminals/profile.ts']));
});

test('files stay small', () => {
  const long = files.filter((file) => readFileSync(join(projectRoot, file), 'utf8').split('\n').length > 300);
  expect(long).toEqual([]);
});
