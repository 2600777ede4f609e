import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Before, priceUse } from '../../src/billing/pricing.ts';
import { loadTariffs, parseTariff } from '../../src/billing/tariff-files.ts';
import { projectRoot } from '../../src/config.ts';
import { decimal } from '../../src/lib/money.ts';
import { shippedTariff, sumOf, timeAt, used, written } from './tariff-stage.ts';

/** Tariffs against figures that can be checked with a pocket calculator. Amounts are fen. */

const GAS = shippedTariff('shanxi-coal-to-gas');
const ELECTRICITY = shippedTariff('shanxi-coal-to-electricity');
const THREE = shippedTariff('gas-three-tiers');
const CLOCK = shippedTariff('electricity-peak-valley');

const billed = (quantity: string | number, subsidyFen = 0n): Before => ({
  usedSince: () => decimal(quantity),
  subsidyFen: () => subsidyFen,
});

/** One month's use, on one day, as a household that was billed nothing before. */
const month = (tariff: typeof GAS, amount: string) => priceUse(tariff, used(['2026-12-15', amount]));

test('every shipped tariff can be read and says where its figures come from', () => {
  const tariffs = loadTariffs(join(projectRoot, 'config/tariffs'));
  expect(tariffs.size).toBeGreaterThan(3);
  for (const { source } of tariffs.values()) expect(source.length).toBeGreaterThan(30);
});

describe('gas instead of coal: 300 m³ a month at 2.72 yuan, a subsidy of 1 yuan', () => {
  test.each([
    // used   what stands on the bill                                                        to pay
    ['0', [], 0],
    ['0.01', ['season_tier tier 1 0.01 × 2.72 = 3', 'subsidy 0.01 × 1 = -1'], 2],
    ['299.99', ['season_tier tier 1 299.99 × 2.72 = 81597', 'subsidy 299.99 × 1 = -29999'], 51_598],
    ['300', ['season_tier tier 1 300 × 2.72 = 81600', 'subsidy 300 × 1 = -30000'], 51_600],
    [
      '300.01',
      ['season_tier tier 1 300 × 2.72 = 81600', 'season_tier tier 2 0.01 × 3.26 = 3', 'subsidy 300.01 × 1 = -30001'],
      51_602,
    ],
  ])('%s m³ in December', (amount, lines, toPay) => {
    const bill = month(GAS, amount);
    expect(bill.map(written)).toEqual(lines);
    expect(sumOf(bill)).toBe(toPay);
  });

  test.each([
    // paid before in the season, used now: subsidy now
    [0n, '1199.99', 'subsidy 1199.99 × 1 = -119999'],
    [0n, '1200', 'subsidy 1200 × 1 = -120000'],
    [0n, '1200.01', 'subsidy_capped 1200.01 × 1 = -120000'],
    [90_000n, '300', 'subsidy 300 × 1 = -30000'],
    [90_001n, '300', 'subsidy_capped 300 × 1 = -29999'],
    [120_000n, '300', 'subsidy_capped 300 × 1 = 0'],
  ])('after %s fen of the season’s 1,200 yuan, %s m³ bring %s', (before, amount, line) => {
    const bill = priceUse(GAS, used(['2026-12-15', amount]), { before: billed(0, before) });
    expect(bill.map(written).at(-1)).toBe(line);
  });
});

describe('electricity instead of coal: 2,600 kWh a month at 0.2862 yuan, a subsidy of 0.1 yuan', () => {
  test.each([
    ['2599.99', ['season_tier tier 1 2599.99 × 0.2862 = 74412', 'subsidy 2599.99 × 0.1 = -26000'], 48_412],
    ['2600', ['season_tier tier 1 2600 × 0.2862 = 74412', 'subsidy 2600 × 0.1 = -26000'], 48_412],
    [
      '2600.5',
      [
        'season_tier tier 1 2600 × 0.2862 = 74412',
        'season_tier tier 2 0.5 × 0.477 = 24',
        'subsidy 2600.5 × 0.1 = -26005',
      ],
      48_431,
    ],
  ])('%s kWh in December', (amount, lines, toPay) => {
    const bill = month(ELECTRICITY, amount);
    expect(bill.map(written)).toEqual(lines);
    expect(sumOf(bill)).toBe(toPay);
  });

  test.each([
    [78_000n, '2600', 'subsidy 2600 × 0.1 = -26000'],
    [78_001n, '2600', 'subsidy_capped 2600 × 0.1 = -25999'],
    [104_000n, '1', 'subsidy_capped 1 × 0.1 = 0'],
  ])('after %s fen of the season’s 1,040 yuan, %s kWh bring %s', (before, amount, line) => {
    const bill = priceUse(ELECTRICITY, used(['2027-03-15', amount]), { before: billed(0, before) });
    expect(bill.map(written).at(-1)).toBe(line);
  });
});

describe('a heating season', () => {
  test.each([
    ['2026-10-31 23:45', ['flat 10 × 3.26 = 3260']],
    ['2026-11-01 00:00', ['season_tier tier 1 10 × 2.72 = 2720', 'subsidy 10 × 1 = -1000']],
    ['2027-03-31 23:45', ['season_tier tier 1 10 × 2.72 = 2720', 'subsidy 10 × 1 = -1000']],
    ['2027-04-01 00:00', ['flat 10 × 3.26 = 3260']],
  ])('begins and ends at midnight: %s', (at, lines) => {
    expect(priceUse(GAS, used([at, 10])).map(written)).toEqual(lines);
  });

  test('over the turn of the year is one season, so its subsidy is counted on', () => {
    const asked: string[] = [];
    const before: Before = {
      usedSince: () => decimal(0),
      subsidyFen: (season) => BigInt(asked.push(season) * 0),
    };
    priceUse(GAS, used(['2026-12-31 23:00', 1], ['2027-01-01 00:00', 1]), { before });
    expect(new Set(asked)).toEqual(new Set(['2026-11-01']));
  });
});

describe('three tiers at 1 : 1.2 : 1.5, to 300 and 600 m³ a year', () => {
  test.each([
    // billed before, used now
    ['0', '300', ['tier tier 1 300 × 2.5 = 75000']],
    ['0', '300.01', ['tier tier 1 300 × 2.5 = 75000', 'tier tier 2 0.01 × 3 = 3']],
    ['299.99', '0.02', ['tier tier 1 0.01 × 2.5 = 3', 'tier tier 2 0.01 × 3 = 3']],
    ['300', '300', ['tier tier 2 300 × 3 = 90000']],
    ['600', '1', ['tier tier 3 1 × 3.75 = 375']],
    ['250', '400', ['tier tier 1 50 × 2.5 = 12500', 'tier tier 2 300 × 3 = 90000', 'tier tier 3 50 × 3.75 = 18750']],
  ])('after %s m³, %s m³ more', (before, amount, lines) => {
    expect(priceUse(THREE, used(['2026-12-15', amount]), { before: billed(before) }).map(written)).toEqual(lines);
  });

  test('the count begins again on 1 January, or on the meter’s own day', () => {
    const use = used(['2026-12-31', 700], ['2027-01-01', 10]);
    expect(priceUse(THREE, use).map(written)[2]).toBe('tier tier 3 100 × 3.75 = 37500');
    expect(
      priceUse(THREE, use)
        .filter(({ countedSince }) => countedSince === '2027-01-01')
        .map(written),
    ).toEqual(['tier tier 1 10 × 2.5 = 2500']);
    const own = priceUse(THREE, use, { tierReset: '12-31' });
    expect(own.map(written)).toEqual([
      'tier tier 1 300 × 2.5 = 75000',
      'tier tier 2 300 × 3 = 90000',
      'tier tier 3 110 × 3.75 = 41250',
    ]);
  });

  test('a count by month begins again on the first', () => {
    const use = used(['2026-12-31 23:00', 300], ['2027-01-01 00:00', 300]);
    expect(priceUse(GAS, use).map(written).slice(0, 2)).toEqual([
      'season_tier tier 1 300 × 2.72 = 81600',
      'season_tier tier 1 300 × 2.72 = 81600',
    ]);
  });
});

describe('peak and valley by the clock', () => {
  test.each([
    ['2025-06-01 07:45', 'flat valley 10 × 0.2862 = 286'],
    ['2025-06-01 08:00', 'flat peak 10 × 0.507 = 507'],
    ['2025-06-01 21:45', 'flat peak 10 × 0.507 = 507'],
    ['2025-06-01 22:00', 'flat valley 10 × 0.2862 = 286'],
    ['2025-06-02 00:00', 'flat valley 10 × 0.2862 = 286'],
  ])('at %s: %s', (at, line) => expect(priceUse(CLOCK, used([at, 10])).map(written)).toEqual([line]));

  test('a new version holds from midnight on', () => {
    const bill = priceUse(CLOCK, used(['2025-12-31 23:00', 200], ['2026-01-01 00:00', 200]));
    expect(bill.map(written)).toEqual([
      'flat valley 200 × 0.2862 = 5724',
      'tier tier 1 valley 170 × 0.2862 = 4865',
      'tier tier 2 valley 30 × 0.3362 = 1009',
    ]);
    expect(bill.map(({ version }) => version)).toEqual(['2020-01-01', '2026-01-01', '2026-01-01']);
  });

  test('tiers are filled in the order of the clock, whatever the band', () => {
    const bill = priceUse(CLOCK, used(['2026-02-01 07:00', 100], ['2026-02-01 08:00', 100], ['2026-02-01 22:00', 100]));
    expect(bill.map(written)).toEqual([
      'tier tier 1 valley 100 × 0.2862 = 2862',
      'tier tier 1 peak 70 × 0.507 = 3549',
      'tier tier 2 peak 30 × 0.557 = 1671',
      'tier tier 2 valley 60 × 0.3362 = 2017',
      'tier tier 3 valley 40 × 0.5862 = 2345',
    ]);
  });
});

describe('for any use', () => {
  const use = fc
    .array(
      fc.record({ hour: fc.integer({ min: 0, max: 24 * 120 }), thousandths: fc.integer({ min: 0, max: 900_000 }) }),
      {
        maxLength: 60,
      },
    )
    .map((all) =>
      all
        .toSorted((a, b) => a.hour - b.hour)
        .map(({ hour, thousandths }) => ({
          time: timeAt('2026-11-15') + hour * 3_600_000,
          amount: decimal(thousandths).div(1_000),
        })),
    );
  const tariff = fc.constantFrom(GAS, ELECTRICITY, THREE, CLOCK);
  const chargeOf = (lines: ReturnType<typeof priceUse>) =>
    sumOf(lines.filter(({ rule }) => !rule.startsWith('subsidy')));
  const bound = { numRuns: 200, interruptAfterTimeLimit: 10_000 };

  test('lines hold all that was used, once', () => {
    fc.assert(
      fc.property(tariff, use, (one, all) => {
        const quantity = priceUse(one, all)
          .filter(({ rule }) => !rule.startsWith('subsidy'))
          .reduce((sum, line) => sum.plus(line.quantity), decimal(0));
        expect(quantity.toFixed()).toBe(all.reduce((sum, { amount }) => sum.plus(amount), decimal(0)).toFixed());
      }),
      bound,
    );
  });

  test('who uses more never pays less', () => {
    fc.assert(
      fc.property(tariff, use, fc.nat(), (one, all, at) => {
        const more = all.map((part, index) =>
          index === at % all.length ? { ...part, amount: part.amount.plus('12.5') } : part,
        );
        expect(chargeOf(priceUse(one, more))).toBeGreaterThanOrEqual(chargeOf(priceUse(one, all)));
      }),
      bound,
    );
  });

  test('two bills for the parts of a time cost what one costs, but for half a fen a line', () => {
    fc.assert(
      fc.property(tariff, use, fc.integer({ min: 1, max: 119 }), (one, all, days) => {
        const cut = timeAt('2026-11-15') + days * 86_400_000;
        const [early, late] = [all.filter(({ time }) => time < cut), all.filter(({ time }) => time >= cut)];
        const first = priceUse(one, early);
        const before: Before = {
          usedSince: (day) =>
            early.filter(({ time }) => time >= timeAt(day)).reduce((sum, { amount }) => sum.plus(amount), decimal(0)),
          subsidyFen: (season) =>
            -BigInt(sumOf(first.filter((line) => line.rule.startsWith('subsidy') && line.season === season))),
        };
        const second = priceUse(one, late, { before });
        const whole = priceUse(one, all);
        const lines = first.length + second.length + whole.length;
        expect(Math.abs(sumOf(first) + sumOf(second) - sumOf(whole))).toBeLessThanOrEqual(lines / 2);
      }),
      bound,
    );
  });
});

describe('a file that is wrong is refused with its line and column:', () => {
  const HEAD = 'tariff: t\ntitle: { zh: 价, en: Price }\nsource: nobody\nmetric: gas_m3\nversions:\n';
  test.each([
    [
      'a price below zero',
      '  - { from: 2020-01-01, rates: { price: -1 } }',
      't.yaml:6:41 versions.0.rates.price: a price from 0 on',
    ],
    ['a day that is none', '  - { from: 2020-02-30, rates: { price: 1 } }', 't.yaml:6:13 versions.0.from'],
    ['neither price nor tiers', '  - { from: 2020-01-01, rates: {} }', 't.yaml:6:25 versions.0.rates'],
    [
      'tiers that fall',
      '  - from: 2020-01-01\n    rates: { ladder: { every: month, tiers: [{ upTo: 5, price: 1 }, { upTo: 4, price: 2 }, { price: 3 }] } }',
      't.yaml:7:77 versions.0.rates.ladder.tiers.1.upTo',
    ],
    [
      'bands that leave a gap',
      "  - from: 2020-01-01\n    bands: { peak: [{ from: '08:00', to: '22:00' }] }\n    rates: { price: { peak: 1 } }",
      't.yaml:7:5 versions.0.bands',
    ],
    [
      'a band without a price',
      "  - from: 2020-01-01\n    bands: { a: [{ from: '00:00', to: '12:00' }], b: [{ from: '12:00', to: '24:00' }] }\n    rates: { price: { a: 1 } }",
      't.yaml:8:14 versions.0.rates.price',
    ],
    [
      'versions out of order',
      '  - { from: 2020-01-01, rates: { price: 1 } }\n  - { from: 2019-01-01, rates: { price: 1 } }',
      't.yaml:7:13 versions.1.from',
    ],
    [
      'a count by season outside of one',
      '  - from: 2020-01-01\n    rates: { ladder: { every: season, tiers: [{ price: 3 }] } }',
      't.yaml:7:31 versions.0.rates.ladder.every',
    ],
    [
      'a key that nobody knows',
      '  - { from: 2020-01-01, rates: { price: 1 }, vat: 9 }',
      't.yaml:6:46 versions.0.vat: unknown key',
    ],
  ])('%s', (_what, versions, message) => {
    expect(() => parseTariff(`${HEAD}${versions}\n`, 't.yaml')).toThrow(message);
  });

  test('everything at once', () => {
    const versions = '  - { from: 2020-02-30, rates: { price: 1 } }\n  - { from: 2021-01-01, rates: { price: -1 } }\n';
    expect(() => parseTariff(`${HEAD}${versions}`, 't.yaml')).toThrow(
      /^t.yaml:6:13 versions.0.from: .*\nt.yaml:7:41 versions.1.rates.price: a price from 0 on[^\n]*$/,
    );
  });
});
