import { createBeat } from './beat.ts';
import { createFaults } from './faults.ts';
import type { MqttTerminal } from './fleet.ts';
import { attendMeters } from './meter-line.ts';
import { createMeterDevice } from './modbus-terminals.ts';
import { createMqttLink } from './mqtt-link.ts';
import type { MqttSurroundings, MqttTerminalRun } from './mqtt-terminals.ts';
import type { Random } from './random.ts';

/** A meter behind a DTU that publishes its frames: by itself, and when it is asked through the broker. */
export function startMqttMeter(
  { meter, ...terminal }: MqttTerminal & { meter: NonNullable<MqttTerminal['meter']> },
  around: MqttSurroundings,
  random: Random,
): MqttTerminalRun {
  const { timers, now } = around;
  const faults = createFaults(around.faults, random.fork('faults'));
  const device = createMeterDevice({ ...terminal, meter }, around, random);
  const say = (frame: Buffer): void => link.say('frames', frame, () => around.onDelivered(1));
  const hear = attendMeters(say, new Map([[meter.number, { device, faults }]]), {
    timers,
    now,
    onAnswered: () => undefined,
  });

  const report = (): void => {
    if (faults.strikes('drop') === undefined) for (const frame of device.report()) say(frame);
    const outS = faults.strikes('reboot');
    if (outS !== undefined) link.cut(outS);
  };

  const beat = createBeat(report, around.everyS, { timers, random });

  const link = createMqttLink({
    terminal,
    url: around.url,
    pace: around.pace,
    random: random.fork('link'),
    timers,
    turn: around.turn,
    listensTo: 'frames/requests',
    onOpen: beat,
    onCommand: hear,
    onDelivered: around.onDelivered,
    onTrouble: (cause) => around.onTrouble(terminal.id, cause),
  });
  link.open();
  return { faults, connected: link.connected, report, close: link.close };
}
