import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { uuidv7 } from 'uuidv7';
import { AccountsService } from '../../core/accounts/accounts-service.ts';
import { Secrets } from '../../core/accounts/secrets.ts';
import { BlacklistService } from '../../core/blacklist/blacklist-service.ts';
import type { Environment } from '../../core/config/environment.ts';
import { type ConfigInput, configSchema } from '../../core/config/schema.ts';
import type { MessageFacts, RecipientRecord } from '../../core/domain/message.ts';
import { createHealth, type UpstreamHealth } from '../../core/observability/health.ts';
import type { UpstreamConnections } from '../../core/pipeline/upstream-board.ts';
import { MemoryBus } from '../../core/storage/memory/bus.ts';
import { MemoryCounters } from '../../core/storage/memory/counters.ts';
import { MemoryRateLimits } from '../../core/storage/memory/rate-limits.ts';
import { openSqliteStore, type SqliteStore } from '../../core/storage/sqlite/store.ts';
import { testConnection } from '../../plugins/delivery/connection-test.ts';
import { Closing } from '../../processes/closing.ts';
import { createQuotaWindows } from '../../processes/quota-windows.ts';
import { createUpstreamTests } from '../../processes/upstream-tests.ts';
import { startTelling } from '../../processes/webhooks.ts';
import { ManualClock } from '../../tests/support/manual-clock.ts';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import type { EventStreamTimes } from '../events/event-streams.ts';
import type { HttpTimeouts } from '../http/http-server.ts';
import { createAdminApi } from '../server.ts';
import { testPlugins } from './test-plugins.ts';
import { type Wire, wireTo } from './wire.ts';

export interface TestUser {
  readonly id: string;
  readonly token: string;
}

export interface TestApi extends AsyncDisposable {
  readonly url: string;
  readonly socket: string;
  readonly wire: Wire;
  /** Holds `sluice.yaml`, which names the plugins, and the database. */
  readonly folder: string;
  /** What SIGHUP does to the certificate. */
  reloadCertificate(): Promise<void>;
  /** What SIGHUP does to the plugins. */
  reloadPlugins(): Promise<void>;
  readonly clock: ManualClock;
  readonly store: SqliteStore;
  /** What the quotas count in. */
  readonly counters: MemoryCounters;
  readonly accountsService: AccountsService;
  /** Lines of the log, parsed. */
  readonly logged: readonly Record<string, unknown>[];
  readonly passwordsChecked: () => number;
  /** Registers the first account, the administrator, and logs in. */
  administrator(): Promise<TestUser>;
  /** Makes a user beside the API and logs in. */
  user(name: string): Promise<TestUser>;
  /** Stores a message of this owner; answers its id. */
  message(ownerId: string, change?: Partial<MessageFacts>, recipients?: Partial<RecipientRecord>[]): Promise<string>;
  /** Takes the store away while the API lives. */
  closeStore(): Promise<void>;
  close(graceMilliseconds?: number): Promise<void>;
}

export const jwtSecret = 'a secret of this test, at least as long as a hash';
export const password = 'password123';
const secretsKey = 'the secrets key of this test';

/** Counts the password checks: both ways of a failed login have to do the same work. */
class CountingSecrets extends Secrets {
  passwords = 0;

  override verify(...[stored, text, unknown]: Parameters<Secrets['verify']>) {
    if ((stored?.kind ?? unknown) === 'argon2id') this.passwords += 1;
    return super.verify(stored, text, unknown);
  }
}

const openRecipient = (at: number): RecipientRecord => ({
  address: 'recipient@example.com',
  domain: 'example.com',
  state: 'queued',
  attempts: 0,
  nextAt: at,
  upstream: null,
  lastReply: null,
  finalAt: null,
});

/** A real API on a free port, with a real SQLite store in a folder of its own. */
export async function startTestApi(
  options: {
    api?: ConfigInput['api'];
    upstreams?: readonly UpstreamHealth[];
    upstreamConnections?: Readonly<Record<string, UpstreamConnections>>;
    timeouts?: HttpTimeouts;
    streamTimes?: EventStreamTimes;
    /** What the plugins' settings are read with, besides the file. */
    env?: Environment;
  } = {},
): Promise<TestApi> {
  const folder = await temporaryFolder('api');
  const clock = new ManualClock(Date.now());
  const logged: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => logged.push(JSON.parse(line)) });
  const config = configSchema.parse({
    plugins: [],
    data_dir: folder.path,
    api: { port: 0, ...options.api } satisfies ConfigInput['api'],
  });
  const store = await openSqliteStore({
    folder: folder.path,
    log,
    ambiguousDelay: config.worker.ambiguous_delay,
    freeSpace: 0,
    reserve: 0,
    unwritten: config.smtp.limits.unwritten,
    retention: { captured: 1e9, log: 1e9, receiving: 1e9 },
    sweep: 1e9,
  });
  const secrets = new CountingSecrets({ secretsKey });
  const { accounts, apiAccess, auditLog, blacklist, idempotency, mailLog, queueActions } = store;
  const bus = new MemoryBus(log);
  const accountsService = new AccountsService({
    accounts,
    apiAccess,
    secrets,
    bus,
    clock,
    quotas: config.quotas,
  });
  const blacklistService = new BlacklistService({
    blacklist,
    bus,
    clock,
    protectedNetworks: () => [
      { network: '127.0.0.0/8', why: 'it is this machine' },
      { network: '203.0.113.0/28', why: 'the test says so' },
    ],
  });
  const closing = new Closing();
  const telling = startTelling({ config, store, bus, serverSecrets: { jwtSecret, secretsKey }, clock, log }, closing);
  const { settings } = store;
  const counters = new MemoryCounters({ clock });
  const plugins = await testPlugins({ folder: folder.path, settings, secretsKey, clock, log, env: options.env ?? {} });
  const api = createAdminApi({
    ...plugins.services,
    config,
    accounts,
    accountsService,
    apiAccess,
    auditLog,
    blacklist,
    blacklistService,
    idempotency,
    mailLog,
    deliveryStatistics: store.deliveryStatistics,
    queueActions,
    rateLimits: new MemoryRateLimits({ clock }),
    ...telling,
    health: createHealth({
      queueState: () => mailLog.queueState(),
      upstreams: () => options.upstreams ?? [],
      startedAt: clock.now(),
      freshMilliseconds: 0,
    }),
    upstreamConnections: async () => new Map(Object.entries(options.upstreamConnections ?? {})),
    upstreamTests: createUpstreamTests({
      plugins: () => plugins.services.pluginAdministration.plugins,
      networks: config.api.connection_test_networks,
      run: (request) => testConnection(request, 'relay.test'),
    }),
    senderDomains: store.senderDomains,
    counters,
    quotaWindows: createQuotaWindows(() => plugins.services.pluginAdministration.plugins),
    mode: 'embedded',
    processes: async () => [
      {
        id: 'test',
        roles: ['api'],
        host: 'relay.test',
        pid: process.pid,
        release: '0.0.0-test',
        startedAt: clock.now(),
        settings: plugins.services.pluginAdministration.version,
        unfit: null,
        at: clock.now(),
      },
    ],
    secrets: { jwtSecret, secretsKey },
    clock,
    log,
    version: '0.0.0-test',
    ...(options.timeouts === undefined ? {} : { timeouts: options.timeouts }),
    ...(options.streamTimes === undefined ? {} : { streamTimes: options.streamTimes }),
  });
  const { url, socket } = await api.listen();
  const wire = wireTo({ url });
  const login = async (name: string): Promise<TestUser> => {
    const answer = await wire('POST', '/api/auth/login', { body: { email: `${name}@example.com`, password } });
    const user = await accounts.userByEmail(`${name}@example.com`);
    return { id: user?.id ?? '', token: answer.field('token') };
  };
  let storeClosed: Promise<void> | undefined;
  const closeStore = () => {
    storeClosed ??= store.close();
    return storeClosed;
  };
  const close = async (graceMilliseconds = 0) => {
    await api.close(graceMilliseconds);
    await closing.close();
    await plugins.close();
    await closeStore();
    await folder.remove();
  };

  return {
    url,
    socket,
    wire,
    folder: folder.path,
    reloadCertificate: () => api.reloadCertificate(),
    reloadPlugins: () => plugins.services.pluginAdministration.reload(),
    clock,
    store,
    counters,
    accountsService,
    logged,
    passwordsChecked: () => secrets.passwords,
    async administrator() {
      await wire('POST', '/api/auth/register', { body: { username: 'root', email: 'root@example.com', password } });
      return login('root');
    },
    async user(name) {
      await accountsService.createUser({ username: name, email: `${name}@example.com`, password });
      return login(name);
    },
    async message(ownerId, change = {}, recipients = [{}]) {
      const bytes = Buffer.from('Subject: hello\r\n\r\nhello\r\n');
      const facts: MessageFacts = {
        id: uuidv7(),
        origin: 'smtp',
        ownerId,
        credentialId: null,
        acceptedAt: clock.now(),
        source: { sessionId: uuidv7(), listener: 'relay', clientAddress: '192.0.2.1', helo: 'client', tls: null },
        sender: 'sender@example.com',
        parameters: {},
        size: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        messageId: '<hello@example.com>',
        subject: 'hello',
        headerEdits: [],
        notes: {},
        trace: [{ hook: 'mailFrom', plugin: 'quota', verdict: 'continue', micros: 12 }],
        pipelineVersion: 1,
        ...change,
      };
      await store.messages.commit({
        facts,
        recipients: recipients.map((recipient) => ({ ...openRecipient(facts.acceptedAt), ...recipient })),
        body: { kind: 'inline', bytes },
      });
      return facts.id;
    },
    closeStore,
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}
