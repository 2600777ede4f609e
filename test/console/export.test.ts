import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { makeHousehold } from '../helpers/gateway.ts';
import { eventually } from '../helpers/temp.ts';
import { test as consoleTest } from './browser.ts';
import { playBoiler } from './terminal.ts';

/** Readings as a file. */

const test = consoleTest.extend('people', { scope: 'file' }, ({ gateway }) => makeHousehold(gateway));

test('a clerk saves the readings of a terminal, and those of an area, as CSV', async ({ open, gateway, people }) => {
  await using boiler = await playBoiler(gateway, people.household.id);
  await boiler.read({ room_c: 19.5, supply_c: 45 });
  await eventually(async () =>
    /^hearthgate_spool_waiting 0$/m.test(await (await fetch(`${gateway.origin}/metrics`)).text()),
  );
  const page = await open(`/terminals/${boiler.id}`, { as: people.operator });
  const exported = async (days: string) => {
    await page.getByRole('button', { name: '导出 CSV' }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: days }).click();
    const file = await download;
    return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
  };
  const own = await exported('最近 1 天');
  expect(own.name).toBe(`${boiler.id}.csv`);
  expect(own.text.split('\n')).toHaveLength(4);
  expect(own.text).toMatch(new RegExp(`^terminal,time,metric,value\\n${boiler.id},.*\\+08:00,room_c,19.5\\n`));
  await page.goto(`${gateway.origin}/terminals`);
  const area = await exported('最近 30 天');
  expect(area.name).toMatch(/^\d+\.csv$/);
  expect(area.text).toContain(`${boiler.id},`);
});
