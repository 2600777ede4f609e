import type { Line } from './fleet.ts';
import { attend, type LineParts } from './modbus-line.ts';

/** RTU on a serial port of this computer, 8N1 or with a parity; needs the optional package `serialport`. */
export async function openSerialLine(
  { serial, baudRate, parity = 'none' }: Extract<Line, { serial: string }>,
  parts: LineParts,
): Promise<AsyncDisposable> {
  const { SerialPort } = await import('serialport');
  const port = new SerialPort({ path: serial, baudRate, parity, autoOpen: false });
  await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  const wire = { write: (bytes: Buffer) => void port.write(bytes), close: () => port.close() };
  port.on('data', attend(wire, 'rtu', parts));
  return {
    [Symbol.asyncDispose]: () => new Promise((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve())),
  };
}
