import { connect, type Socket } from 'node:net';
import type { SerialPort } from 'serialport';
import type { SerialLine } from '../terminals/lines.ts';

/** An open way to a line, whatever it is made of: bytes out, bytes in, and its end. */

export interface PortEvents {
  heard(bytes: Buffer): void;
  /** Called once, also after `close`. */
  ended(reason: string): void;
}

export interface Port {
  write(bytes: Buffer): void;
  close(): void;
}

/** Opens the port, or rejects with why not; aborting `signal` ends the attempt. */
export type OpenPort = (events: PortEvents, signal: AbortSignal) => Promise<Port>;

/** A peer that is gone without a word is noticed after some minutes also while nobody asks. */
const KEEP_ALIVE_MS = 30_000;
/** More than this unsent means that the peer takes nothing any more. */
const MOST_UNSENT_BYTES = 4_096;

/** A connection that stands. */
export function socketPort(socket: Socket, events: PortEvents): Port {
  let reason = 'the other end closed the connection';
  socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
  socket.on('data', (bytes) => events.heard(bytes));
  socket.on('error', (error) => {
    reason = error.message;
  });
  socket.on('end', () => socket.destroy());
  socket.once('close', () => events.ended(reason));
  return {
    write(bytes) {
      if (socket.writableLength > MOST_UNSENT_BYTES) socket.destroy(new Error('the other end takes nothing'));
      else socket.write(bytes);
    },
    close: () => void socket.destroy(),
  };
}

export const dialTcp =
  (host: string, port: number): OpenPort =>
  (events, signal) =>
    new Promise((resolve, reject) => {
      const socket = connect({ host, port });
      const abort = () => socket.destroy(new Error('no connection in time'));
      signal.addEventListener('abort', abort, { once: true });
      socket.once('error', reject);
      socket.once('close', () => signal.removeEventListener('abort', abort));
      socket.once('connect', () => {
        signal.removeEventListener('abort', abort);
        socket.off('error', reject);
        resolve(socketPort(socket, events));
      });
    });

/** Needs the optional package `serialport`. */
export const openSerial =
  (line: SerialLine): OpenPort =>
  async (events, signal) => {
    const { SerialPort } = await import('serialport');
    const { serial: path, baudRate, dataBits = 8, parity = 'none', stopBits = 1 } = line;
    const serial: SerialPort = new SerialPort({ path, baudRate, dataBits, parity, stopBits, autoOpen: false });
    let reason = 'the serial port was closed';
    serial.on('data', (bytes: Buffer) => events.heard(bytes));
    serial.on('error', (error) => {
      reason = error.message;
      if (serial.isOpen) serial.close();
    });
    serial.on('close', (error: Error | null) => events.ended(error?.message ?? reason));
    await new Promise<void>((resolve, reject) => serial.open((error) => (error ? reject(error) : resolve())));
    if (signal.aborted) {
      serial.close();
      throw new Error('no serial port in time');
    }
    return {
      write: (bytes) => void serial.write(bytes),
      close: () => {
        if (serial.isOpen) serial.close();
      },
    };
  };
