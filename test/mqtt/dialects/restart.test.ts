import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { startTestGateway } from '../../helpers/gateway.ts';
import { tempFolder } from '../../helpers/temp.ts';
import { connectAs, register, shown } from './stage.ts';

test('after a restart of the gateway every kind of login is what it was', async () => {
  await using folder = await tempFolder();
  const hour = '2026112404';
  const logins = await (async () => {
    await using gateway = await startTestGateway({ folder: folder.path });
    const token = await register(gateway, { id: 'T', profile: 'thingsboard-heater' });
    const signs = await register(gateway, { id: 'S', profile: 'huawei-heater' });
    const plug = await register(gateway, { id: 'P', profile: 'tasmota-plug' });
    await register(gateway, { id: 'C', profile: 'thingsboard-heater', connection: { via: 'T', name: 'Device C' } });
    const password = createHmac('sha256', hour).update(signs.password).digest('hex');
    return [{ username: token.username }, { clientId: `S_0_0_${hour}`, username: 'S', password }, plug];
  })();
  await using gateway = await startTestGateway({ folder: folder.path });
  const [token, signs, plug] = await Promise.all(logins.map((login) => connectAs(gateway, login)));
  await token?.say('v1/gateway/telemetry', { 'Device C': [{ values: { temperature: 20 } }] });
  await signs?.say('$oc/devices/S/sys/properties/report', {
    services: [{ service_id: 'Heater', properties: { setpoint: 21 } }],
  });
  await plug?.say('stat/P/POWER', 'ON');
  expect(await shown(gateway, 'C')).toEqual({ room_c: 20 });
  expect(await shown(gateway, 'S')).toEqual({ setpoint_c: 21 });
  expect(await shown(gateway, 'P')).toEqual({ power_on: 1 });
  for (const device of [token, signs, plug]) await device?.[Symbol.asyncDispose]();
});
