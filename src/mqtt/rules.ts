import { isUtf8 } from 'node:buffer';
import type { Frame, Published } from './packets.ts';

/** What MQTT 3.1.1 demands of a client's packets after its CONNECT, beside what the framing shows. Pure. */

/** The first byte of each packet that a client may send [MQTT 2.2.1]; PUBLISH has flags of its own. */
const PUBACK = 0x40;
const PUBREC = 0x50;
export const PUBREL = 0x62;
const PUBCOMP = 0x70;
const SUBSCRIBE = 0x82;
const UNSUBSCRIBE = 0xa2;
const PINGREQ = 0xc0;
const DISCONNECT = 0xe0;

const HIGHEST_QOS = 2;

/** A packet that carries the id of another, and nothing else. */
function onlyIdFault(body: Buffer): string | undefined {
  if (body.length !== 2) return 'its length is not 2';
  return body.readUInt16BE() === 0 ? 'its packet id is 0 [MQTT-2.3.1-1]' : undefined;
}

/** Wildcards stand for whole levels, and `#` stands last [MQTT-4.7.1-2, MQTT-4.7.1-3]. */
function filterFault(filter: Buffer): string | undefined {
  if (filter.length === 0) return 'a filter is empty [MQTT-4.7.3-1]';
  if (!isUtf8(filter) || filter.includes(0)) return 'a filter is no UTF-8 [MQTT-1.5.3-1, MQTT-1.5.3-2]';
  const levels = filter.toString('utf8').split('/');
  const wrong = levels.some(
    (level, index) =>
      (level.includes('+') && level !== '+') || (level.includes('#') && (level !== '#' || index < levels.length - 1)),
  );
  return wrong ? 'a wildcard is not a level of its own [MQTT-4.7.1-2, MQTT-4.7.1-3]' : undefined;
}

/** The filters of a SUBSCRIBE, each with a quality of service, or of an UNSUBSCRIBE. */
function filtersFault(body: Buffer, withQos: boolean): string | undefined {
  if (body.length < 2 || body.readUInt16BE() === 0) return 'its packet id is 0 [MQTT-2.3.1-1]';
  let at = 2;
  if (at === body.length) return 'it has no filter [MQTT-3.8.3-3, MQTT-3.10.3-2]';
  while (at < body.length) {
    const end = at + 2 <= body.length ? at + 2 + body.readUInt16BE(at) : Number.POSITIVE_INFINITY;
    if (end + (withQos ? 1 : 0) > body.length) return CUT_SHORT;
    const fault = filterFault(body.subarray(at + 2, end));
    if (fault) return fault;
    if (withQos && (body[end] ?? 0) > HIGHEST_QOS) return 'a quality of service is above 2 [MQTT-3.8.3-4]';
    at = withQos ? end + 1 : end;
  }
  return undefined;
}

/** What is wrong with a packet that is no PUBLISH; undefined when it is as it should be. */
export function faultOf(first: number, body: Buffer): string | undefined {
  switch (first) {
    case PUBACK:
    case PUBREC:
    case PUBREL:
    case PUBCOMP:
      return onlyIdFault(body);
    case SUBSCRIBE:
      return filtersFault(body, true);
    case UNSUBSCRIBE:
      return filtersFault(body, false);
    case PINGREQ:
    case DISCONNECT:
      return body.length === 0 ? undefined : 'its length is not 0';
    default:
      // Another CONNECT [MQTT-3.1.0-2], what only a server sends, reserved types, and wrong flags [MQTT-2.2.2-2].
      return `a packet that begins with 0x${first.toString(16).padStart(2, '0')} may not come here`;
  }
}

const CUT_SHORT = 'it ends in the middle of a field';

/** The header of a PUBLISH [MQTT 3.3] of which at least that is there, or what is wrong with it. */
export function publishedAt(data: Buffer, at: number, { body, end }: Frame): Published | string {
  const first = data[at] ?? 0;
  const qos = (first >> 1) & 3;
  if (qos > HIGHEST_QOS) return 'its quality of service is 3 [MQTT-3.3.1-4]';
  if (qos === 0 && first & 0x08) return 'it says that it comes again, without a quality of service [MQTT-3.3.1-2]';
  if (body + 2 > data.length) return CUT_SHORT;
  const topicEnd = body + 2 + data.readUInt16BE(body);
  const payload = qos > 0 ? topicEnd + 2 : topicEnd;
  if (payload > Math.min(end, data.length)) return CUT_SHORT;
  const messageId = qos > 0 ? data.readUInt16BE(topicEnd) : 0;
  if (qos > 0 && messageId === 0) return 'its packet id is 0 [MQTT-2.3.1-1]';
  return { topic: data.toString('latin1', body + 2, topicEnd), qos, messageId, payload };
}

/** What is wrong with the name of a topic to publish to. */
export function topicFault(topic: Buffer): string | undefined {
  if (topic.length === 0) return 'its topic is empty [MQTT-4.7.3-1]';
  if (!isUtf8(topic) || topic.includes(0)) return 'its topic is no UTF-8 [MQTT-1.5.3-1, MQTT-1.5.3-2]';
  return topic.includes('+') || topic.includes('#') ? 'its topic has a wildcard [MQTT-3.3.2-2]' : undefined;
}
