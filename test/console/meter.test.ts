import { randomInt } from 'node:crypto';
import { newId } from '../../src/lib/ids.ts';
import { connectTerminal, makeHousehold, makeTerminal } from '../helpers/gateway.ts';
import { test as consoleTest } from './browser.ts';

/** The page of a meter. */

const test = consoleTest.extend('people', { scope: 'file' }, ({ gateway }) => makeHousehold(gateway));

const CLOSED_AND_LOW =
  '68 30 56 34 12 00 02 01 33 81 16 90 1F 02 27 43 10 00 00 FF FF FF FF 00 24 58 20 28 05 26 20 05 FF 3B 16';

test('a meter on a line shows the line and its number', async ({ open, gateway, people }) => {
  const id = newId('meter');
  const address = String(randomInt(1e11)).padStart(12, '0');
  const line = { host: '10.0.0.6', port: 4196 };
  await makeTerminal(gateway.admin, {
    id,
    profile: 'dlt645-meter',
    householdId: people.household.id,
    connection: { type: 'meter', line, address },
  });
  const page = await open(`/terminals/${id}`, { as: people.operator });
  await page.getByText(`抄表总线 10.0.0.6:4196 表号 ${address}`).waitFor();
});

test('a meter over MQTT shows its number, and its troubles in words', async ({ open, gateway, people }) => {
  const terminal = await makeTerminal(gateway.admin, {
    id: newId('meter'),
    profile: 'cjt188-gas-meter',
    householdId: people.household.id,
    connection: { type: 'mqtt', address: '33010200123456' },
  });
  const client = await connectTerminal(gateway, terminal);
  await client.publishAsync(`terminals/${terminal.id}/frames`, CLOSED_AND_LOW, { qos: 1 });
  await client.endAsync();
  const page = await open(`/terminals/${terminal.id}`, { as: people.operator, language: 'en' });
  await page.getByText('MQTT meter 33010200123456').waitFor();
  const value = (title: string) => page.locator(`dt:text-is("${title}") + dd`);
  await value('Battery low').getByText('Yes').waitFor();
  await value('Valve fault').getByText('No').waitFor();
});
