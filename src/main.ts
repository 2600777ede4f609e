import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { openAlarms } from './alarms/alarms.ts';
import { createAreas, loadAreas } from './areas/areas.ts';
import { createCompanies, createHouseholds } from './areas/households.ts';
import { createUsers } from './areas/users.ts';
import { createAudit } from './audit/audit.ts';
import { startAuditWatch } from './audit/watch.ts';
import { openBilling } from './billing/billing.ts';
import { openCollection } from './billing/collection.ts';
import { householdImports } from './billing/import-kind.ts';
import { openInvoicing } from './billing/invoicing.ts';
import { createLateUse } from './billing/late-use.ts';
import { openControl } from './commands/control.ts';
import { type Config, databaseOf, importLimits, ownAddress, quarantineLimits, spoolLimits } from './config.ts';
import { openDatabase } from './db/database.ts';
import { joinGateways } from './db/gateways.ts';
import { lockFolder } from './db/lock.ts';
import { type Downlink, startDownlink } from './downlink.ts';
import { startHealth } from './health/health.ts';
import { createMetrics } from './health/metrics.ts';
import { startLive } from './http/live.ts';
import { startHttp } from './http/server.ts';
import { createSetup } from './http/setup.ts';
import { alarmView, batchView, createCommandView } from './http/views.ts';
import { openImports } from './imports/imports.ts';
import type { Clock } from './lib/clock.ts';
import { gatewayId } from './lib/gateway-id.ts';
import type { Logger } from './lib/log.ts';
import { startBridge } from './lines/bridge.ts';
import { startMeterFrames } from './meters/over-mqtt.ts';
import { meters } from './meters/terminals.ts';
import { modbusUnits } from './modbus/terminals.ts';
import { createDigests } from './mqtt/external/digest.ts';
import { startMqtt } from './mqtt/mqtt.ts';
import { createAhead } from './readings/ahead.ts';
import { startDrain } from './readings/drain.ts';
import { createLatest } from './readings/latest.ts';
import { startMemory } from './readings/memory.ts';
import { openQuarantine } from './readings/quarantine.ts';
import { createRequeue } from './readings/requeue.ts';
import { openSpool } from './readings/spool.ts';
import { openStore } from './readings/stores.ts';
import { startSecurityEvents } from './security/security-events.ts';
import { startSidelink } from './sidelink.ts';
import { createHandout } from './terminals/handout.ts';
import { terminalImports } from './terminals/import-kind.ts';
import { createImportRows } from './terminals/import-write.ts';
import { createMeterExchanges } from './terminals/meter-exchanges.ts';
import { createPresence } from './terminals/presence.ts';
import { loadProfiles } from './terminals/profile.ts';
import { type Happening, openRegistry } from './terminals/registry.ts';
import { openSealedSecrets } from './terminals/sealed-secrets.ts';
import { startUpkeep } from './upkeep.ts';
import { createUplink } from './uplink.ts';

/** The composition root: opens every part in order; disposing closes them in reverse. */

const DAY_MS = 86_400_000;

export interface Gateway extends AsyncDisposable {
  httpPort: number;
  /** The MQTT port, and the MQTTS port when there is a certificate. */
  mqttPorts: number[];
  /** Where the first admin is made, when there is none yet. */
  setupUrl: string | undefined;
}

export async function startGateway(config: Config, { clock, log }: { clock: Clock; log: Logger }): Promise<Gateway> {
  await using stack = new AsyncDisposableStack();
  const dataFolder = (name: string) => join(config.data.dir, name);
  await mkdir(config.data.dir, { recursive: true });
  stack.use(lockFolder(config.data.dir));

  const profiles = loadProfiles(config.files.profiles);
  const db = stack.use(await openDatabase(databaseOf(config), log));
  const id = config.mqtt.external.clientId || gatewayId(config.data.dir);
  const isExternal = config.mqtt.external.url !== '';
  const isShared = config.database.url !== '';
  const gateways = stack.use(
    await joinGateways(
      {
        id,
        place: `${hostname()}:${config.data.dir}`,
        sharing: isExternal && config.mqtt.external.share && config.timeseries.kind !== 'embedded',
      },
      { db, clock, log },
    ),
  );
  await loadAreas(db, config.files.areas);

  const audit = createAudit({ db, clock });
  const users = createUsers({ db, clock, audit, sessionMs: config.http.sessionHours * 3_600_000 });
  const areas = createAreas(db);
  const companies = createCompanies({ db, clock });
  const households = createHouseholds({ db, clock, companies });
  const people = { users, areas, companies, households };
  const base = { db, clock, log };
  const billing = openBilling({ db, clock, log, settings: config.billing, onPaid: (id) => control.paid(id) });
  const collection = stack.use(
    await openCollection(config.payments, { ...billing, ...base, audit, folder: config.data.dir }),
  );
  const lateUse = createLateUse({ db, clock });
  const meterExchanges = createMeterExchanges({ db, clock, onRecorded: lateUse.note });

  const live = stack.use(startLive({ clock, log, limit: config.http.liveStreams }));
  const presence = createPresence({ clock });
  const latest = createLatest();
  const sealedSecrets = await openSealedSecrets(dataFolder('secrets.key'), { db, log });
  const { provisioning } = config;
  const claimMs = provisioning.claimDays * DAY_MS;
  const registry = await openRegistry({
    db,
    clock,
    audit,
    profiles,
    sealedSecrets,
    onChange: terminalChanged,
    limits: { rotationMs: provisioning.rotationHours * 3_600_000, claimMs },
    modbusHosts: config.modbus.hosts,
  });
  live.follow(registry);
  const quarantine = stack.use(await openQuarantine(quarantineLimits(config), { db, clock, log }));
  const alarms = await openAlarms({
    db,
    clock,
    onChange: (row) => live.publish({ event: 'alarm', terminalId: row.terminalId, alarm: alarmView(row) }),
  });
  const commandView = createCommandView({ registry, presence, clock });
  const auditWatch = stack.use(startAuditWatch({ db, folder: config.data.dir, clock, log }));
  let downlink: Downlink | undefined;
  const control = stack.use(
    await openControl({
      db,
      clock,
      log,
      audit,
      gateway: id,
      registry,
      settings: { ...config, policies: config.files.policies },
      noticesOf: billing.arrears.noticesOf,
      latestOf: (terminalId, metric) => latest.of(terminalId).get(metric),
      isOffline: (terminal) => presence.statusOf(terminal) === 'offline',
      isOnline: (terminal) => presence.statusOf(terminal) === 'online',
      owns: gateways.owns,
      onBatch: (batch) => live.publish({ event: 'batch', batch: batchView(batch) }),
      onIssued: (terminalId) => downlink?.kick(terminalId),
      shared: isShared,
      onChange: (command) =>
        live.publish({ event: 'command', terminalId: command.terminalId, command: commandView(command) }),
    }),
  );
  const { commands } = control;

  const security = stack.use(startSecurityEvents(config.security, { db, clock, log }));
  const metrics = createMetrics();
  metrics.showSecurity(security.counts);
  metrics.showPayments(collection);
  const ahead = createAhead();
  const spool = stack.use(
    await openSpool(
      { folder: dataFolder('spool'), ...spoolLimits(config) },
      { clock, log, onCommit: metrics.committed, onKept: ahead.see },
    ),
  );
  const store = stack.use(
    await openStore(config.timeseries, { quarantine, folder: dataFolder('readings'), spoolId: spool.id, clock, log }),
  );
  stack.use(await startMemory({ store, spool, ahead, latest, presence, clock, log }));
  const draining = { ...base, spool, store, ahead, waitMs: config.readings.storeWaitMs, onRead: lateUse.note };
  const drain = stack.use(startDrain({ ...draining, onBatch: metrics.stored }));

  const forBills = { db, clock, log, billing, store, meterExchanges, lateUse, profiles, gatewayId: id };
  const invoicing = stack.use(await openInvoicing({ ...config.billing, folder: config.files.tariffs }, forBills));

  const maxFutureMs = config.readings.maxFutureS * 1_000;
  const requeue = createRequeue({ db, quarantine, spool, registry, maxFutureMs });
  const digests = stack.use(createDigests({ clock, accompanied: gateways.accompanied }));
  const uplink = createUplink({
    spool,
    latest,
    presence,
    quarantine,
    registry,
    alarms,
    commands,
    live,
    others: digests,
    clock,
    maxFutureMs,
    onSettled: (terminal) => downlink?.kick(terminal.id),
  });
  const { owns } = gateways;
  const { pollEveryS } = config.modbus;
  const frames = stack.use(
    startMeterFrames({ registry, uplink, settings: config.meters, pollEveryS, owns, clock, log }),
  );
  const broker = stack.use(
    await startMqtt({
      ...{ config: config.mqtt, clientId: id, registry, uplink, frames, stored: drain.reached, presence },
      ...{ digests, gateways, sealedSecrets, record: security.record, clock, log },
    }),
  );
  frames.sendThrough(broker.frameWay);
  const kinds = [modbusUnits(uplink), meters(uplink, config.meters)];
  const bridge = stack.use(startBridge({ registry, kinds, settings: config.modbus, owns, clock, log }));
  downlink = stack.use(
    startDownlink({
      ...{ control, registry, clock, log },
      carriers: { mqtt: frames.over(broker.carrier), modbus: bridge.carrier, meter: bridge.carrier },
    }),
  );
  broker.sendThrough(downlink);
  const limits = importLimits(config);
  const imports = stack.use(
    await openImports({
      ...{ db, clock, log, audit, gatewayId: id },
      kinds: {
        terminals: terminalImports({ db, clock, profiles, registry, exportMs: limits.exportMs }),
        households: householdImports({ db, clock, ledger: billing.ledger, ...invoicing }),
      },
      ...{ folder: dataFolder('imports'), limits },
    }),
  );
  if (isShared) {
    const importedIds = createImportRows(db).idsOf;
    const follows = { registry, importedIds, alarms, commands, uplink, downlink, clock, log };
    stack.use(startSidelink({ url: config.database.url, ...follows }));
  }
  const handout = createHandout({ db, clock, audit, registry, sealedSecrets, imports, claimMs });
  stack.use(
    startUpkeep(config, {
      ...{ db, uplink, registry, control, imports, invoicing, store, quarantine, security, billing },
      ...base,
    }),
  );

  const health = stack.use(
    await startHealth({
      ...{ spool, drain, db, uplink, quarantine, control, live },
      pingStore: store.ping,
      audit: auditWatch,
      mqtt: broker.state,
      modbus: bridge.state,
      dataFolder: config.data.dir,
      metrics,
      clock,
      log,
    }),
  );
  const setup = createSetup();
  // Before anybody can ask, the first admin is there.
  const setupToken = await setup.offer(users, config.adminPassword);
  const http = stack.use(
    await startHttp({
      config,
      ...base,
      profiles,
      ...people,
      registry,
      imports,
      handout,
      presence,
      latest,
      store,
      meterExchanges,
      quarantine,
      requeue,
      security,
      alarms,
      audit,
      auditWatch,
      control,
      downlink,
      billing,
      invoicing,
      collection,
      live,
      health,
      metrics,
      setup,
      modbus: bridge,
    }),
  );

  async function terminalChanged(terminalId: string, happening: Happening): Promise<void> {
    bridge.refresh(terminalId);
    if (happening === 'moved' || happening === 'removed') await commands.withdraw(terminalId);
    if (happening !== 'added' && happening !== 'changed') broker.cut(terminalId);
    if (happening !== 'removed') return;
    latest.forget(terminalId);
    presence.forget(terminalId);
  }

  const setupUrl = setupToken && `http://${ownAddress(config.http.host)}:${http.port}/setup?token=${setupToken}`;
  const opened = stack.move();
  return { httpPort: http.port, mqttPorts: broker.ports, setupUrl, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
