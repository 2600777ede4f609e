import { z } from 'zod';
import { payments } from './config-payments.ts';
import { hostRules } from './lib/hosts.ts';
import { flag, int, port, section } from './lib/settings.ts';

/** Everything that can be set: one schema is type, defaults and validation. */

const meterPassword = z.string().regex(/^(\d{6})?$/, 'six digits as text');

export const configSchema = z.strictObject({
  http: section({
    host: z.string().default('127.0.0.1'),
    port: port.default(8080),
    /** Addresses of proxies, with commas between, whose X-Forwarded-For is believed. */
    trustedProxies: z.string().default(''),
    /** Largest request body. */
    bodyLimitBytes: int(1_024, 16_777_216).default(1_048_576),
    /** Wrong sign-ins a minute for one address and user name. */
    loginsPerMinute: int(1, 1_000).default(10),
    sessionHours: int(1, 720).default(12),
    /** Open `/live` streams at once. */
    liveStreams: int(1, 100_000).default(1_000),
  }),
  mqtt: section({
    host: z.string().default('127.0.0.1'),
    port: port.default(1883),
    /** The files are read anew when they change. */
    tls: z
      .strictObject({
        port: port.default(8883),
        certFile: z.string(),
        keyFile: z.string(),
        /** Whether a client may, or must, prove by a certificate that it is the terminal that its common name says. */
        clientCertificates: z.enum(['none', 'optional', 'required']).default('none'),
        /** The authorities that sign clients' certificates, and the list of those that are revoked. PEM. */
        caFile: z.string().optional(),
        crlFile: z.string().optional(),
      })
      .refine(
        (tls) => tls.clientCertificates === 'none' || tls.caFile !== undefined,
        'clientCertificates need a caFile',
      )
      .optional(),
    /** A larger message is quarantined. A backfill of 1,000 readings has some 200 KB. */
    maxPacketBytes: int(1_024, 16_777_216).default(262_144),
    /** Open connections, of all and of one address: behind one, a network may have thousands. */
    connections: int(1, 1_000_000).default(100_000),
    connectionsPerAddress: int(1, 1_000_000).default(50_000),
    /** New connections of one address in a second, with a minute's worth at once. */
    connectsPerSecond: int(1, 100_000).default(1_000),
    /** Connections that have not said who they are; of more, those that wait longest are cut. */
    waitingConnections: int(10, 100_000).default(2_000),
    /** Wrong logins of one address for one terminal in a minute; those after are answered late. */
    wrongLoginsPerMinute: int(1, 100_000).default(10),
    /** A terminal that logs in more often, or takes the place of its own connection more often, is kept out for minutes. */
    loginsPerMinute: int(1, 100_000).default(600),
    takeoversPerMinute: int(1, 100_000).default(10),
    banMinutes: int(1, 1_440).default(5),
    /** What a connection may send all the time; ten times as much at once. One that sends more is read more slowly. */
    messagesPerSecond: int(1, 1_000_000).default(1_000),
    bytesPerSecond: int(1_024, 1_073_741_824).default(1_048_576),
    /** A message is acknowledged when it is on this machine's disk, or when the time series store has it. */
    acknowledgeAfter: z.enum(['disk', 'store']).default('disk'),
    /** A broker of another maker, in place of the embedded one, which then does not listen. */
    external: section({
      /** `mqtt://` or `mqtts://user:password@host:port`; empty for the embedded broker. */
      url: z
        .string()
        .regex(/^(mqtts?:\/\/.+)?$/, 'an mqtt:// or mqtts:// URL, or empty')
        .default(''),
      username: z.string().default(''),
      password: z.string().default(''),
      /** Of mqtts://: who signed the broker's certificate, and the gateway's own. */
      caFile: z.string().default(''),
      certFile: z.string().default(''),
      keyFile: z.string().default(''),
      /** One for each gateway; empty for one that is made once and kept in `data.dir`. */
      clientId: z
        .string()
        .regex(/^[A-Za-z0-9_-]{0,64}$/, 'letters, digits, - and _')
        .default(''),
      /** Whether several gateways may share it, through shared subscriptions. */
      share: flag.default(true),
      /** How long the broker keeps what waits for a gateway that is away. Seconds. */
      sessionExpiryS: int(60, 4_294_967_294).default(86_400),
      /** Messages that the broker may give before they are acknowledged. */
      receiveMaximum: int(1, 65_535).default(2_000),
      keepAliveS: int(2, 3_600).default(30),
    }),
  }),
  security: section({
    /** How long and how many security events are kept. */
    keepDays: int(1, 3_650).default(90),
    keepRows: int(100, 10_000_000).default(100_000),
  }),
  modbus: section({
    /** Overrides the profiles' polling period. Seconds. */
    pollEveryS: int(1, 3_600).optional(),
    /** Where companies may point a line: addresses, ranges and names, with commas between. An admin may point one anywhere. */
    hosts: z
      .string()
      .default('')
      .superRefine((text, context) => {
        try {
          hostRules(text);
        } catch (error) {
          context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
        }
      }),
    /** The address on which DTUs dial in; the ports are those that terminals name. */
    listenHost: z.string().default('127.0.0.1'),
    /** Dialled-in connections at once. */
    connections: int(1, 100_000).default(10_000),
    /** A DTU says who it is within this time. Seconds. */
    registrationS: int(1, 600).default(15),
  }),
  meters: section({
    /** Of DL/T 645 meters, six digits. Empty: no meter is switched. */
    password: meterPassword.default(''),
    /** The same by profile, where it is another. */
    passwords: z.record(z.string(), meterPassword).default({}),
    /** PA, two digits, and the operator's code, eight. */
    passwordLevel: z
      .string()
      .regex(/^\d{2}$/, 'two digits as text')
      .default('02'),
    operator: z
      .string()
      .regex(/^\d{8}$/, 'eight digits as text')
      .default('00000000'),
  }),
  provisioning: section({
    /** Rows and bytes of one file of terminals. */
    importRows: int(1, 1_000_000).default(200_000),
    importBytes: int(1_024, 1_073_741_824).default(67_108_864),
    /** How long the credentials of an import can be fetched. Hours. */
    exportHours: int(1, 8_760).default(72),
    /** How long imports, and what was wrong in their files, are kept. Days. */
    importDays: int(1, 3_650).default(90),
    /** How long an old secret works beside the new one, unless that is used before. Hours. */
    rotationHours: int(1, 8_760).default(24),
    /** How long a claim code works. Days. */
    claimDays: int(1, 3_650).default(180),
    /** Wrong claims a minute for one caller, and for one terminal. */
    claimsPerMinute: int(1, 1_000).default(10),
  }),
  billing: section({
    /** A bill with more days whose use is estimated or missing waits for a person. */
    holdAfterDays: int(0, 31).default(5),
    /** On the first of a month the bills of the month before are made, and each day what prepaid households used is charged. */
    autoRun: flag.default(false),
    /** For so long after its period a bill is compared with what has come late. Days. */
    recheckDays: int(0, 400).default(62),
    /** A prepaid household with less than this is warned. Fen. */
    lowBalanceFen: int(0, 100_000_000).default(5_000),
    /** The deposit of a household, once. Fen. */
    depositFen: int(0, 100_000_000).default(100_000),
    /** What a company may adjust at once; an admin may more. Fen. */
    adjustmentFen: int(0, 100_000_000).default(100_000),
  }),
  batches: section({
    /** Terminals of one batch. */
    terminals: int(1, 100_000).default(5_000),
    /** How many of one cell (the terminals of one area code) a batch switches in a minute. */
    perCellPerMinute: int(1, 60_000).default(30),
    /** Commands of one batch that may be on their way at once. */
    inFlight: int(1, 10_000).default(200),
    /** A batch stops itself when this share of what has ended failed, but not before so many failures. */
    failurePercent: int(1, 100).default(10),
    failureAtLeast: int(1, 100_000).default(10),
    /** How long batches that are over, and runs of schedules, are kept. Days. */
    keepDays: int(30, 36_500).default(730),
  }),
  schedules: section({
    /** A time that could not be kept for this long is missed, and not made up. Seconds. */
    graceS: int(1, 86_400).default(300),
    /** Schedules of one company, or of the admins. */
    most: int(1, 100_000).default(500),
  }),
  readings: section({
    /** A reading this far ahead of our clock is still taken. Seconds. */
    maxFutureS: int(0, 86_400).default(300),
    /** How long appends gather for one commit to disk. Milliseconds. */
    commitWaitMs: int(0, 1_000).default(20),
    /** How long readings gather for one write to the store. Milliseconds. */
    storeWaitMs: int(0, 60_000).default(500),
    spoolSegmentBytes: int(4_096, 1_073_741_824).default(67_108_864),
    /** Above this the spool takes no more, and readings are not acknowledged. */
    spoolMaxBytes: int(1_048_576, 1_099_511_627_776).default(8_589_934_592),
    /** When readings have waited this long for the store, the spool takes no more. Hours. */
    spoolMaxAgeHours: int(1, 87_600).default(720),
    /** With less space on the disk, or 5 % of a small one, the spool takes no more. */
    minFreeBytes: int(0, 1_099_511_627_776).default(268_435_456),
    /** Most points that one query gives. */
    maxPoints: int(100, 1_000_000).default(20_000),
    /** Refused data that is kept; the oldest go first. */
    quarantineRows: int(100, 10_000_000).default(100_000),
    /** The same of one terminal, so that one that only sends nonsense does not push out the others'. */
    quarantinePerTerminal: int(20, 1_000_000).default(1_000),
    /** Most bytes of refused messages; the oldest go first. */
    quarantineBytes: int(67_108_864, 1_099_511_627_776).default(1_073_741_824),
    /** Refused data older than this goes. Days. */
    quarantineDays: int(1, 3_650).default(90),
  }),
  database: section({
    /** `postgres://user:password@host/name`; empty for SQLite in `data.dir`. */
    url: z
      .string()
      .regex(/^(postgres(ql)?:\/\/.+)?$/, 'a postgres:// URL, or empty')
      .default(''),
  }),
  timeseries: section({
    /** DuckDB in `data.dir`, or an InfluxDB server. */
    kind: z.enum(['embedded', 'influx1', 'influx2']).default('embedded'),
    url: z.url().default('http://127.0.0.1:8086'),
    /** InfluxDB 2.x. */
    token: z.string().default(''),
    org: z.string().default('hearthgate'),
    bucket: z.string().default('hearthgate'),
    /** InfluxDB 1.x. */
    database: z.string().default('hearthgate'),
    username: z.string().default(''),
    password: z.string().default(''),
    /** How long every value is kept. Days; 0 is for ever. */
    keepRawDays: int(0, 36_500).default(0),
    /** How long hourly and daily roll-ups are kept, at least as long as the values. Days; 0 is for ever. */
    keepRollupDays: int(0, 36_500).default(0),
  }),
  weather: section({
    /** Where the weather outdoors comes from; with `none`, cold is not asked about. */
    kind: z.enum(['none', 'file', 'http']).default('none'),
    /** JSON or CSV that another program writes. */
    file: z.string().default(''),
    url: z
      .string()
      .regex(/^(https?:\/\/.+)?$/, 'an http:// or https:// URL, or empty')
      .default(''),
    everyS: int(1, 86_400).default(300),
    /** What is older than this, by its own time, counts as unknown. */
    maxAgeS: int(60, 604_800).default(10_800),
  }),
  payments,
  data: section({ dir: z.string().default('./data') }),
  files: section({
    profiles: z.string().default('./profiles'),
    areas: z.string().default('./areas'),
    policies: z.string().default('./policies'),
    tariffs: z.string().default('./tariffs'),
  }),
  log: section({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info') }),
});
