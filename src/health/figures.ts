import type { AuditState } from '../audit/watch.ts';
import type { Control } from '../commands/control.ts';
import type { Drain } from '../readings/drain.ts';
import type { Quarantine } from '../readings/quarantine.ts';
import type { Spool } from '../readings/spool.ts';
import type { Uplink } from '../uplink.ts';
import type { Weather } from '../weather/weather.ts';
import type { ModbusState, MqttState } from './checks.ts';
import type { Figures } from './metrics.ts';

/** The parts that count. */
export interface CountingParts {
  spool: Spool;
  drain: Drain;
  uplink: Uplink;
  quarantine: Quarantine;
  control: Pick<Control, 'commands' | 'clockWatch' | 'policies' | 'weather'>;
  audit: { state(): AuditState };
  live: { state(): { streams: number; limit: number; cut: number } };
  mqtt: () => MqttState;
  modbus: () => ModbusState;
}

/** What the checks have seen last. */
interface LastSeen {
  freeBytes: () => number;
  loopDelayMs: () => number;
}

function ageOf(weather: Pick<Weather, 'state'>): number {
  const now = weather.state();
  return now === 'none' ? 0 : (now.oldestMs ?? 0) / 1_000;
}

/** Every queue, its limit, and what went past it. */
export function figuresOf(parts: CountingParts, seen: LastSeen): Figures {
  const { spool, drain, uplink, quarantine, control, audit, live, mqtt, modbus } = parts;
  const { commands, clockWatch, policies, weather } = control;
  return {
    hearthgate_readings_total: ['Readings acknowledged since the start', uplink.received],
    hearthgate_quarantined_total: ['Values refused since the start', quarantine.added],
    hearthgate_quarantine_bytes: ['Bytes of refused messages that are kept', () => quarantine.state().bytes],
    hearthgate_quarantine_limit_bytes: ['Bytes above which the oldest go', () => quarantine.state().maxBytes],
    hearthgate_quarantine_failures_total: [
      'Commits of refusals that failed; their messages were not acknowledged',
      () => quarantine.state().failed,
    ],
    hearthgate_spool_bytes: ['Bytes in the spool', () => spool.state().bytes],
    hearthgate_spool_limit_bytes: ['Bytes at which the spool takes no more', () => spool.state().maxBytes],
    hearthgate_spool_waiting: ['Readings that the store does not have yet', () => drain.state().waiting],
    hearthgate_spool_oldest_seconds: [
      'The oldest reading that the store does not have came no longer ago, or before the start',
      () => drain.state().oldestMs / 1_000,
    ],
    hearthgate_spool_appends_waiting: ['Readings that wait for the next commit', () => spool.state().waiting],
    hearthgate_spool_appends_limit: ['Readings that may wait for a commit', () => spool.state().mostWaiting],
    hearthgate_spool_refused_total: ['Readings not acknowledged since the start', () => spool.state().refused],
    hearthgate_spool_damaged_total: ['Damaged records skipped since the start', () => spool.state().damaged],
    hearthgate_store_failures_total: ['Batches that the store failed to take', () => drain.state().failed],
    hearthgate_mqtt_connections: ['MQTT connections of terminals', () => mqtt().connections],
    hearthgate_mqtt_sockets: ['Open MQTT sockets, with those that have not said who they are', () => mqtt().sockets],
    hearthgate_mqtt_sockets_limit: ['MQTT sockets that may be open', () => mqtt().limit],
    hearthgate_modbus_lines: ['Modbus lines in use', () => modbus().lines],
    hearthgate_modbus_lines_down: ['Modbus lines that cannot be reached', () => modbus().down],
    hearthgate_modbus_connections: ['Connections of DTUs that dialled in', () => modbus().connections],
    hearthgate_modbus_unknown_total: [
      'Connections refused since the start for a registration that nobody knows',
      () => modbus().unknown,
    ],
    hearthgate_commands_queued: ['Commands that wait to be sent', () => commands.counts().queued],
    hearthgate_commands_in_flight: [
      'Commands that wait for an answer or for the reading that shows them',
      () => commands.counts().inFlight,
    ],
    hearthgate_audit_rows: ['Rows of the audit', () => audit.state().head?.seq ?? 0],
    hearthgate_audit_checked_rows: [
      'Rows that the present look through the audit has seen',
      () => audit.state().checked.seq,
    ],
    hearthgate_audit_faults: ['Faults that the last look through the audit found', () => audit.state().faults.length],
    hearthgate_live_streams: ['Open /live streams', () => live.state().streams],
    hearthgate_live_streams_limit: ['/live streams that may be open', () => live.state().limit],
    hearthgate_live_cut_total: ['/live streams ended because they read too slowly', () => live.state().cut],
    hearthgate_disk_free_bytes: ['Free bytes on the disk of the data folder', seen.freeBytes],
    hearthgate_event_loop_delay_seconds: [
      'Delay of the event loop, p99 of the last seconds',
      () => seen.loopDelayMs() / 1_000,
    ],
    hearthgate_clock_jumps_total: ['Times that the computer’s clock was set', () => clockWatch.state().jumps],
    hearthgate_clock_unsure_seconds: [
      'How long nothing is switched off any more, as the clock was set',
      () => clockWatch.state().unsureMs / 1_000,
    ],
    hearthgate_policy_holiday_days: [
      'Days ahead for which the policy in force has its holidays written down; 0 without one',
      () => policies.state().holidayDays ?? 0,
    ],
    hearthgate_weather_age_seconds: ['Age of the oldest weather that is known; 0 without any', () => ageOf(weather)],
  };
}
