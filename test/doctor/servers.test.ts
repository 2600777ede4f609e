import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../src/demo/free-port.ts';
import { clockFinding, nodeFinding } from '../../src/doctor/machine.ts';
import { certificateFinding } from '../../src/doctor/network.ts';
import { startTestGateway } from '../helpers/gateway.ts';
import { noInflux1, noPostgres, startInflux1, startPostgres } from '../helpers/servers.ts';
import { tempFolder } from '../helpers/temp.ts';
import { diagnosis, runDoctor } from './stage.ts';

const DAY_MS = 86_400_000;

describe('PostgreSQL', () => {
  test('that cannot be reached, that has no such database, that is new, and that is in use', async ({ skip }) => {
    skip(noPostgres !== undefined, noPostgres);
    await using folder = await tempFolder();
    const of = async (url: string) => (await diagnosis(folder.path, { HEARTHGATE_DATABASE__URL: url })).of('database');
    const closed = await of(`postgres://hearthgate@127.0.0.1:${await freePort()}/postgres`);
    expect(closed).toMatchObject({ state: 'fail', detail: expect.stringContaining('ECONNREFUSED') });
    await using postgres = await startPostgres();
    expect(await of(postgres.url.replace(/postgres$/, 'nowhere'))).toMatchObject({
      state: 'fail',
      detail: 'PostgreSQL: database "nowhere" does not exist',
      remedy: 'make that database: createdb',
    });
    const fresh = await of(postgres.url);
    expect([fresh?.state, fresh?.detail]).toEqual(['ok', expect.stringContaining('the next start upgrades it: 0001')]);
    {
      await using _gateway = await startTestGateway({ overrides: { database: { url: postgres.url } } });
    }
    expect((await of(postgres.url))?.detail).toMatch(/^PostgreSQL \d+.*, tables up to date$/);
  }, 60_000);
});

describe('InfluxDB', () => {
  const settingsFor = (url: string, kind = 'influx1') => ({
    HEARTHGATE_TIMESERIES__KIND: kind,
    HEARTHGATE_TIMESERIES__URL: url,
  });

  test('that cannot be reached, that is of the other kind, that has no database, and that is in use', async ({
    skip,
  }) => {
    skip(noInflux1 !== undefined, noInflux1);
    await using folder = await tempFolder();
    await using influxFolder = await tempFolder();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const of = async (settings = {}) => {
      const { code, findings } = await diagnosis(join(folder.path, 'doctor'), { ...settingsFor(url), ...settings });
      return { code, found: findings.filter(({ name }) => name.startsWith('timeseries')) };
    };
    expect(await of()).toMatchObject({
      code: 1,
      found: [{ state: 'fail', detail: expect.stringContaining('ECONNREFUSED') }],
    });
    await using _influx = await startInflux1(influxFolder.path, port);
    expect(await of(settingsFor(url, 'influx2'))).toMatchObject({
      code: 1,
      found: [{ state: 'fail', remedy: 'correct HEARTHGATE_TIMESERIES__KIND or HEARTHGATE_TIMESERIES__URL' }],
    });
    expect(await of()).toEqual({
      code: 0,
      found: [
        {
          name: 'timeseries',
          state: 'warn',
          detail: expect.stringMatching(/^InfluxDB 1\..*, hearthgate is missing$/),
          remedy: expect.stringContaining('the gateway makes it at its start'),
        },
      ],
    });
    {
      const timeseries = { kind: 'influx1' as const, url };
      await using gateway = await startTestGateway({ folder: folder.path, overrides: { timeseries } });
      await gateway.admin.get('/terminals');
    }
    const used = { name: 'timeseries', state: 'ok', detail: expect.stringMatching(/^InfluxDB 1\..*, hearthgate$/) };
    expect(await of()).toEqual({ code: 0, found: [{ ...used, remedy: null }] });
    const shorter = { HEARTHGATE_TIMESERIES__KEEP_RAW_DAYS: '30' };
    const { code, found } = await of(shorter);
    expect(code).toBe(0);
    expect(found.map(({ name, state, detail }) => [name, state, detail])).toEqual([
      ['timeseries', 'warn', expect.stringMatching(/, hearthgate.rollup is missing$/)],
      ['timeseries_retention', 'warn', 'hearthgate.autogen is kept for ever, configured 30 days'],
    ]);
    const { output } = await runDoctor(join(folder.path, 'doctor'), { ...settingsFor(url), ...shorter });
    expect(output).toContain(
      '注意  时序库保留期：hearthgate.autogen 保留 永久，配置为 30 天\n      → 处理：网关启动时',
    );
  }, 60_000);

  test('on which the user may only read', async ({ skip }) => {
    skip(noInflux1 !== undefined, noInflux1);
    await using folder = await tempFolder();
    await using influx = await startInflux1(folder.path, await freePort(), { INFLUXDB_HTTP_AUTH_ENABLED: 'true' });
    const ask = async (q: string) => {
      const { ok } = await fetch(`${influx.url}/query?u=root&p=root`, {
        method: 'POST',
        body: new URLSearchParams({ q }),
      });
      expect(ok, q).toBe(true);
    };
    await ask("create user root with password 'root' with all privileges");
    for (const query of [
      'create database hearthgate',
      'create retention policy state on hearthgate duration 0s replication 1',
      "create user reader with password 'p'",
      'grant read on hearthgate to reader',
    ]) {
      await ask(query);
    }
    const { code, findings } = await diagnosis(join(folder.path, 'data'), {
      ...settingsFor(influx.url),
      HEARTHGATE_TIMESERIES__USERNAME: 'reader',
      HEARTHGATE_TIMESERIES__PASSWORD: 'p',
    });
    expect(code).toBe(1);
    expect(findings.filter(({ name }) => name.startsWith('timeseries'))).toMatchObject([
      { name: 'timeseries', state: 'ok' },
      {
        name: 'timeseries_writing',
        state: 'fail',
        detail: expect.stringMatching(/^403 /),
        remedy: expect.stringMatching(
          /^grant the user all on the database, or correct HEARTHGATE_TIMESERIES__USERNAME/,
        ),
      },
    ]);
  }, 60_000);

  test('that denies access, and whose clock is far from ours', async () => {
    await using folder = await tempFolder();
    const server = createServer((request, response) => {
      response.setHeader('x-influxdb-version', '1.8.10');
      response.setHeader('date', new Date(Date.now() + 3_600_000).toUTCString());
      response.writeHead(request.url === '/ping' ? 204 : 401).end();
    });
    await using _closed = { [Symbol.asyncDispose]: async () => void server.close() };
    const port = await freePort();
    server.listen(port, '127.0.0.1');
    const { of } = await diagnosis(folder.path, settingsFor(`http://127.0.0.1:${port}`));
    expect(of('timeseries')).toMatchObject({
      state: 'fail',
      detail: expect.stringMatching(/^InfluxDB 1\.8\.10: .*401/),
      remedy: expect.stringMatching(/^correct HEARTHGATE_TIMESERIES__USERNAME, HEARTHGATE_TIMESERIES__PASSWORD/),
    });
    expect(of('clock')).toMatchObject({
      state: 'warn',
      detail: expect.stringMatching(/InfluxDB is (3599|360[01]) s ahead/),
    });
  });
});

describe('the certificate', () => {
  /** As `openssl ca` wants times. */
  const asn1 = (ms: number) => `${new Date(ms).toISOString().replace(/[-:T]|\..*/g, '')}Z`;

  /** A key and a certificate that ends some days from now, or before. */
  function certificate(folder: string, name: string, days: number) {
    const [certFile, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}-key.pem`)];
    const request = join(folder, `${name}.csr`);
    const subject = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-subj',
      '/CN=gateway.test',
    ];
    execFileSync('openssl', ['req', ...subject, '-keyout', keyFile, '-out', request], { stdio: 'ignore' });
    const authority = join(folder, `${name}.cnf`);
    writeFileSync(join(folder, `${name}.index`), '');
    writeFileSync(
      authority,
      `[ca]\ndefault_ca=own\n[own]\ndatabase=${folder}/${name}.index\nnew_certs_dir=${folder}\nserial=${folder}/${name}.serial\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n`,
    );
    const now = Date.now();
    const dates = ['-startdate', asn1(now - 100 * DAY_MS), '-enddate', asn1(now + days * DAY_MS)];
    const sign = ['ca', '-batch', '-selfsign', '-notext', '-rand_serial', '-config', authority, '-keyfile', keyFile];
    execFileSync('openssl', [...sign, ...dates, '-in', request, '-out', certFile], { stdio: 'ignore' });
    return { certFile, keyFile };
  }

  test('is expired, ends soon, is not that of the key, or cannot be read', async () => {
    await using folder = await tempFolder();
    const good = certificate(folder.path, 'good', 90);
    const soon = certificate(folder.path, 'soon', 10);
    const old = certificate(folder.path, 'old', -5);
    const find = async (tls: { certFile: string; keyFile: string }) =>
      (
        await diagnosis(join(folder.path, 'data'), {
          HEARTHGATE_MQTT__TLS__PORT: '0',
          HEARTHGATE_MQTT__TLS__CERT_FILE: tls.certFile,
          HEARTHGATE_MQTT__TLS__KEY_FILE: tls.keyFile,
        })
      ).of('certificate');
    expect(await find(good)).toMatchObject({
      state: 'ok',
      detail: expect.stringMatching(/^(89|90) days left, until /),
    });
    expect(await find(soon)).toMatchObject({
      state: 'warn',
      remedy: 'renew the certificate, then restart the gateway',
    });
    expect(await find(old)).toMatchObject({ state: 'fail', detail: expect.stringMatching(/^expired on /) });
    expect(await find({ ...good, keyFile: soon.keyFile })).toMatchObject({
      state: 'fail',
      detail: 'the key is not that of the certificate',
    });
    expect(await find({ ...good, certFile: '/nowhere.pem' })).toMatchObject({
      state: 'fail',
      detail: expect.stringContaining('ENOENT'),
    });
    expect(certificateFinding(good, Date.now() - 101 * DAY_MS)).toMatchObject({ state: 'fail' });
  }, 60_000);
});

describe('the machine', () => {
  test('a Node that is too old, or older than that of the tests', () => {
    expect(nodeFinding('20.11.0').state).toBe('fail');
    expect(nodeFinding('22.18.0').state).toBe('warn');
    expect(nodeFinding('24.1.0').state).toBe('ok');
  });

  test('a clock of another year, one that is far from that of a server, and one that nobody keeps right', () => {
    const now = Date.UTC(2026, 10, 24);
    expect(clockFinding(Date.UTC(1970, 0, 1), [], true).state).toBe('fail');
    const finding = clockFinding(now, [{ of: 'PostgreSQL', aheadMs: -61_000 }], true);
    expect(finding).toMatchObject({ state: 'warn', detail: { en: expect.stringContaining('PostgreSQL') } });
    expect(clockFinding(now, [], false).state).toBe('warn');
    expect(clockFinding(now, [{ of: 'InfluxDB', aheadMs: 400 }], undefined).state).toBe('ok');
  });
});
