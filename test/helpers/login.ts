import { generate } from 'mqtt-packet';

/** The CONNECT packet of a terminal, for tests that speak to bare sockets. */
export const loginPacket = (id: string, secret: string): Buffer =>
  generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clientId: id,
    username: id,
    password: Buffer.from(secret),
    clean: true,
    keepalive: 0,
  });
