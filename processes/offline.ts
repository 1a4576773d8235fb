import type { CallInput, CallResult, Client } from '../admin-api/client/client.ts';
import { type BoundRoute, bind, type CheckedInput, type Route, type TextBody } from '../admin-api/route.ts';
import { bindBlacklist } from '../admin-api/routes/blacklist.ts';
import { bindBlacklistLists } from '../admin-api/routes/blacklist-lists.ts';
import { bindMailLogs } from '../admin-api/routes/mail-logs.ts';
import { resetPlugin } from '../admin-api/routes/plugins.ts';
import { bindQueue } from '../admin-api/routes/queue.ts';
import { bindQueueOrders } from '../admin-api/routes/queue-orders.ts';
import { versionTag } from '../admin-api/routes/settings-change.ts';
import { bindSmtpCredentials } from '../admin-api/routes/smtp-credentials.ts';
import { bindStats } from '../admin-api/routes/stats.ts';
import { bindConservation } from '../admin-api/routes/system.ts';
import { bindUsers } from '../admin-api/routes/users.ts';
import { AccountsService } from '../core/accounts/accounts-service.ts';
import { Secrets } from '../core/accounts/secrets.ts';
import { loadServerSecrets } from '../core/accounts/server-secrets.ts';
import { BlacklistService } from '../core/blacklist/blacklist-service.ts';
import type { Config } from '../core/config/schema.ts';
import { systemClock } from '../core/domain/clock.ts';
import { type Problem, SluiceError } from '../core/domain/errors.ts';
import { createHealth } from '../core/observability/health.ts';
import { createLog } from '../core/observability/log.ts';
import { resetOffline } from '../core/settings/offline-reset.ts';
import { MemoryBus } from '../core/storage/memory/bus.ts';
import { openStore } from './embedded-store.ts';
import { protectedNetworks } from './protected-networks.ts';
import { upstreamHealth } from './upstreams.ts';

/** What may be done while no Sluice runs: the routes of the API that need nothing but the store, as administrator. */
export interface Offline {
  readonly client: Client;
  close(): Promise<void>;
}

type Part = 'params' | 'query' | 'headers' | 'body';

function checked(route: Route, part: Part, given: unknown): object {
  const result = (route[part] ?? null)?.safeParse(given ?? {});
  if (result === undefined) return {};
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    (issue): Problem => ({ path: [part, ...issue.path].join('.'), message: issue.message }),
  );
  const text = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new SluiceError('REQUEST_INVALID', text, { problems });
}

/** What a handler answered, as it would come over the wire. */
async function received(body: unknown, isJson: boolean): Promise<unknown> {
  if (body === undefined) return undefined;
  if (isJson) return JSON.parse(JSON.stringify(body));
  const whole = typeof body === 'string' || body instanceof Uint8Array;
  const pieces: Buffer[] = [];
  for await (const piece of whole ? [body] : (body as AsyncIterable<string | Uint8Array>))
    pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString('utf8');
}

/** Calls handlers straight, with the validation and the rights that the control socket has. */
function localClient(routes: readonly BoundRoute[]): Client {
  const ask = async (route: Route, given: { readonly [P in Part]?: unknown }) => {
    const bound = routes.find((each) => each.route.id === route.id);
    if (bound === undefined) throw new SluiceError('SERVICE_UNAVAILABLE', 'this needs a running Sluice: sluice start');
    const caller = { userId: null, sessionId: null, role: 'admin' } as const;
    const call: CheckedInput = {
      params: checked(route, 'params', given.params),
      query: checked(route, 'query', given.query),
      headers: checked(route, 'headers', given.headers),
      body: route.text === undefined ? checked(route, 'body', given.body) : (given.body as TextBody),
      caller,
      request: { id: 'offline', address: null, userAgent: null, callerNow: async () => caller, maySetUp: () => true },
    };
    const { status, body, headers } = await bound.handle(call);
    const isJson = route.answers[status]?.schema !== undefined;
    return { etag: headers?.etag ?? null, body: await received(body, isJson) };
  };
  return {
    async call<R extends Route>(
      route: R,
      ...[input]: Parameters<Client['call']> extends [unknown, ...infer I] ? I : []
    ) {
      return (await ask(route, input ?? {})).body as CallResult<R>;
    },
    async callVersioned<R extends Route>(route: R, input: CallInput<R>, { known }: { known?: string } = {}) {
      const { etag, body } = await ask(route, input);
      return { etag, body: known !== undefined && etag === known ? 'not-modified' : (body as CallResult<R>) };
    },
  };
}

/**
 * Opens the data folder itself. Rejects with `DATA_DIRECTORY_LOCKED` while another process uses it, or with what is
 * wrong with the database.
 */
export async function openOffline(config: Config): Promise<Offline> {
  const log = createLog({ level: 'fatal', name: 'sluice' });
  const clock = systemClock;
  const secrets = await loadServerSecrets({ config, dataDir: config.data_dir, mode: 'embedded' });
  const store = await openStore(config, { acceptLoss: false, log });
  const { accounts, apiAccess, blacklist, mailLog, queueActions } = store;
  const bus = new MemoryBus(log);
  const accountsService = new AccountsService({
    accounts,
    apiAccess,
    secrets: new Secrets({ secretsKey: secrets.secretsKey }),
    bus,
    clock,
    quotas: config.quotas,
  });
  const health = createHealth({
    queueState: () => mailLog.queueState(),
    upstreams: () => upstreamHealth(config.plugins, []),
    startedAt: clock.now(),
  });
  const blacklistServices = {
    blacklist,
    clock,
    blacklistService: new BlacklistService({
      blacklist,
      bus,
      clock,
      protectedNetworks: () => protectedNetworks(config.plugins),
    }),
  };
  const queueServices = { mailLog, queueActions, health, clock };
  const client = localClient([
    ...bindUsers({ accounts, accountsService }),
    ...bindSmtpCredentials({ accounts, accountsService }),
    ...bindBlacklist(blacklistServices),
    ...bindBlacklistLists(blacklistServices),
    ...bindMailLogs({ mailLog, clock }),
    ...bindStats({ deliveryStatistics: store.deliveryStatistics, accounts, clock }),
    ...bindQueue(queueServices),
    ...bindQueueOrders(queueServices),
    ...bindConservation({ mailLog }),
    bind(resetPlugin)(async ({ params }) => {
      const version = await resetOffline(store.settings, params.plugin, clock.now());
      const body = { version, state: 'current' as const, dry_run: false, changes: [], running: [], tried: [] };
      return { status: 200, body, headers: versionTag(version) };
    }),
  ]);
  return { client, close: () => store.close() };
}
