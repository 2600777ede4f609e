import { writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createLog } from '../../src/lib/log.ts';
import { startWeather, type WeatherSettings } from '../../src/weather/weather.ts';
import { heldClock } from '../helpers/clock.ts';
import { eventually, tempFolder } from '../helpers/temp.ts';

/** What is known of the weather outdoors, from real files and a real server, and what is not when they fail. */

const log = createLog('silent');
const SETTINGS: WeatherSettings = { kind: 'none', file: '', url: '', everyS: 60, maxAgeS: 3_600 };
const UNKNOWN = { known: undefined, ageMs: undefined };
const COUNTY = '141023';
const TOWNSHIP = '141023105';
const VILLAGE = '141023105201';

const open = (settings: Partial<WeatherSettings>, clock = heldClock()) =>
  startWeather({ ...SETTINGS, ...settings }, { clock, log });

const said = (clock: ReturnType<typeof heldClock>, more: object) =>
  JSON.stringify({ time: new Date(clock.now()).toISOString(), ...more });

function troubleOf(weather: ReturnType<typeof open>): string | undefined {
  const state = weather.state();
  return state === 'none' ? undefined : state.trouble;
}

async function serve(answer: RequestListener) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/weather`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('without a source nobody asks about the weather', () => {
  using weather = open({});
  expect(weather.at(VILLAGE)).toBe('none');
});

test('a file that another program writes is read again, and what is old counts as unknown', async () => {
  await using folder = await tempFolder();
  const clock = heldClock();
  const file = join(folder.path, 'weather.json');
  using weather = open({ kind: 'file', file }, clock);
  await eventually(() => troubleOf(weather)?.includes('ENOENT'));
  expect(weather.at(VILLAGE)).toEqual(UNKNOWN);
  await writeFile(file, said(clock, { outdoorC: -3.5, forecastMinC: -9 }));
  await clock.advance(60_000);
  expect(await eventually(() => weather.at(VILLAGE) !== 'none' && troubleOf(weather) === undefined)).toBe(true);
  expect(weather.at(VILLAGE)).toEqual({ known: { outdoorC: -3.5, forecastMinC: -9 } });
  expect(weather.at(null)).toEqual({ known: { outdoorC: -3.5, forecastMinC: -9 } });
  await clock.advance(3_600_000);
  expect(weather.at(VILLAGE)).toEqual({ known: undefined, ageMs: 3_660_000 });
});

test('of several areas the smallest that holds the terminal counts', async () => {
  await using folder = await tempFolder();
  const clock = heldClock();
  const file = join(folder.path, 'weather.csv');
  const time = new Date(clock.now()).toISOString();
  await writeFile(
    file,
    `areaCode,time,outdoorC,forecastMinC\n${COUNTY},${time},-1,-6\n${TOWNSHIP},${time},-4.5,\n999999,${time},30,20\n`,
  );
  using weather = open({ kind: 'file', file }, clock);
  await eventually(
    () => weather.at(COUNTY) !== 'none' && weather.at(COUNTY) !== undefined && knows(weather.at(COUNTY)),
  );
  expect(weather.at(VILLAGE)).toEqual({ known: { outdoorC: -4.5, forecastMinC: null } });
  expect(weather.at(`${COUNTY}200`)).toEqual({ known: { outdoorC: -1, forecastMinC: -6 } });
  expect(weather.at('150000')).toEqual(UNKNOWN);
  expect(weather.at(null)).toEqual(UNKNOWN);
});

const knows = (now: ReturnType<ReturnType<typeof open>['at']>): boolean => now !== 'none' && now.known !== undefined;

test('of a forecast by the hour the coldest of the next 24 hours counts', async () => {
  const clock = heldClock();
  const hour = (n: number, outdoorC: number) => ({
    time: new Date(clock.now() + n * 3_600_000).toISOString(),
    outdoorC,
  });
  const forecast = [hour(-1, -30), hour(1, -2), hour(23, -8), hour(25, -25)];
  await using server = await serve((_request, response) => response.end(said(clock, { outdoorC: 1, forecast })));
  using weather = open({ kind: 'http', url: server.url }, clock);
  await eventually(() => knows(weather.at(VILLAGE)));
  expect(weather.at(VILLAGE)).toEqual({ known: { outdoorC: 1, forecastMinC: -8 } });
});

describe('a source that fails is unknown, and what it said before counts until it is old', () => {
  test.each<[what: string, answer: RequestListener, trouble: string]>([
    ['an error', (_request, response) => void response.writeHead(500).end('{}'), 'it answered 500'],
    ['no JSON', (_request, response) => void response.end('{"time": yes}'), 'JSON'],
    ['a page of HTML', (_request, response) => void response.end('<html><body>-3 °C</body></html>'), ''],
    [
      'words for numbers',
      (_request, response) => void response.end('{"time":"2026-11-24T04:00:00Z","outdoorC":"cold"}'),
      'outdoorC',
    ],
    [
      'numbers that no thermometer shows',
      (_request, response) => void response.end('{"time":"2026-11-24T04:00:00Z","outdoorC":-273}'),
      'outdoorC',
    ],
    [
      'nothing of any place',
      (_request, response) => void response.end('{"time":"2026-11-24T04:00:00Z"}'),
      'nothing of any place',
    ],
    [
      'too much',
      (_request, response) => {
        const more = () => response.write('x'.repeat(65_536), () => !response.closed && setImmediate(more));
        response.writeHead(200);
        more();
      },
      'more than 1048576 bytes',
    ],
  ])('%s', async (_what, answer, trouble) => {
    const clock = heldClock();
    await using server = await serve(answer);
    using weather = open({ kind: 'http', url: server.url }, clock);
    expect(await eventually(() => troubleOf(weather))).toContain(trouble);
    expect(weather.at(VILLAGE)).toEqual(UNKNOWN);
  });

  test('no answer within ten seconds', async () => {
    const clock = heldClock();
    let asked = false;
    await using server = await serve(() => {
      asked = true;
    });
    using weather = open({ kind: 'http', url: server.url }, clock);
    await eventually(() => asked);
    await clock.advance(10_000);
    expect(await eventually(() => troubleOf(weather))).toContain('did not answer within 10000 ms');
  });

  test('a clock that is an hour ahead of ours', async () => {
    const clock = heldClock();
    const time = new Date(clock.now() + 3_600_000).toISOString();
    await using server = await serve((_request, response) => response.end(JSON.stringify({ time, outdoorC: 15 })));
    using weather = open({ kind: 'http', url: server.url }, clock);
    await eventually(() => weather.at(VILLAGE) !== 'none' && !knows(weather.at(VILLAGE)) && ageOf(weather.at(VILLAGE)));
    expect(weather.at(VILLAGE)).toEqual({ known: undefined, ageMs: -3_600_000 });
  });

  test('one that answered before', async () => {
    const clock = heldClock();
    let broken = false;
    await using server = await serve((_request, response) => {
      response.writeHead(broken ? 503 : 200).end(said(clock, { outdoorC: 4 }));
    });
    using weather = open({ kind: 'http', url: server.url }, clock);
    await eventually(() => knows(weather.at(VILLAGE)));
    broken = true;
    await clock.advance(60_000);
    await eventually(() => troubleOf(weather));
    expect(weather.at(VILLAGE)).toEqual({ known: { outdoorC: 4, forecastMinC: null } });
  });
});

const ageOf = (now: ReturnType<ReturnType<typeof open>['at']>): boolean =>
  now !== 'none' && now.known === undefined && now.ageMs !== undefined;
