import type { Server as HttpServer } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import { join } from 'node:path';
import type { Request, Server } from 'restify';
import type { AccountsService } from '../core/accounts/accounts-service.ts';
import { Seals } from '../core/accounts/seals.ts';
import type { ServerSecrets } from '../core/accounts/server-secrets.ts';
import type { BlacklistService } from '../core/blacklist/blacklist-service.ts';
import type { Config } from '../core/config/schema.ts';
import type { Clock } from '../core/domain/clock.ts';
import { NetworkSet } from '../core/domain/ip-network.ts';
import type { EventFeed } from '../core/events/event-feed.ts';
import type { HealthSource } from '../core/observability/health.ts';
import type { Logger } from '../core/observability/log.ts';
import type { Accounts } from '../core/storage/ports/accounts.ts';
import type { ApiAccess } from '../core/storage/ports/api-access.ts';
import type { AuditLog } from '../core/storage/ports/audit-log.ts';
import type { Blacklist } from '../core/storage/ports/blacklist.ts';
import type { DeliveryStatistics } from '../core/storage/ports/delivery-statistics.ts';
import type { IdempotencyStore } from '../core/storage/ports/idempotency.ts';
import type { MailLog, QueueActions } from '../core/storage/ports/mail-log.ts';
import type { RateLimits } from '../core/storage/ports/rate-limits.ts';
import { readCertificate } from '../core/tls/certificate-files.ts';
import type { WebhooksService } from '../core/webhooks/webhooks-service.ts';
import { ApiSessions } from './auth/api-sessions.ts';
import { bearerAuthentication, controlSocketAuthentication } from './auth/authenticate.ts';
import { FailedLogins } from './auth/failed-logins.ts';
import { LoginThrottle } from './auth/login-throttle.ts';
import { setUpPeers } from './auth/set-up.ts';
import { Tokens } from './auth/tokens.ts';
import { EventStreams, type EventStreamTimes } from './events/event-streams.ts';
import { clientAddress } from './http/client-address.ts';
import { dispatcher, type Entrance } from './http/dispatch.ts';
import { createHttpServer, defaultTimeouts, type HttpServerOptions, type HttpTimeouts } from './http/http-server.ts';
import { answerOnce } from './http/idempotency.ts';
import { closeWithin, listenOnPort, listenOnSocket } from './http/listen.ts';
import { requestLimit } from './http/request-limit.ts';
import { userAgentOf } from './http/user-agent.ts';
import { buildOpenApiDocument } from './openapi.ts';
import type { BoundRoute } from './route.ts';
import { bindRoutes } from './route-table.ts';
import type { UpstreamTests } from './routes/connection-tests.ts';
import type { DomainServices } from './routes/domains.ts';
import type { PluginServices } from './routes/plugins.ts';
import type { QuotaServices } from './routes/quotas.ts';
import type { SystemServices } from './routes/system.ts';
import type { UpstreamServices } from './routes/upstreams.ts';
import { mountSwaggerUi } from './swagger/swagger-ui.ts';

export interface AdminApiOptions {
  readonly config: Pick<Config, 'api' | 'data_dir'>;
  readonly accounts: Accounts;
  readonly accountsService: AccountsService;
  readonly apiAccess: ApiAccess;
  readonly auditLog: AuditLog;
  readonly blacklist: Blacklist;
  readonly blacklistService: BlacklistService;
  readonly idempotency: IdempotencyStore;
  readonly mailLog: MailLog;
  readonly deliveryStatistics: DeliveryStatistics;
  readonly queueActions: QueueActions;
  readonly rateLimits: RateLimits;
  readonly eventFeed: EventFeed;
  readonly webhooksService: WebhooksService;
  readonly health: HealthSource;
  readonly pluginAdministration: PluginServices['pluginAdministration'];
  readonly hookOrder: PluginServices['hookOrder'];
  readonly upstreamConnections: UpstreamServices['upstreamConnections'];
  readonly upstreamTests: UpstreamTests;
  readonly senderDomains: DomainServices['senderDomains'];
  readonly counters: QuotaServices['counters'];
  readonly quotaWindows: QuotaServices['quotaWindows'];
  readonly mode: SystemServices['mode'];
  readonly processes: SystemServices['processes'];
  readonly configurationInForce: SystemServices['configurationInForce'];
  readonly secrets: ServerSecrets;
  readonly clock: Clock;
  readonly log: Logger;
  readonly version: string;
  readonly timeouts?: HttpTimeouts;
  readonly streamTimes?: EventStreamTimes;
}

export interface AdminApi {
  /** Rejects with LISTEN_FAILED, and then listens nowhere. */
  listen(): Promise<{ readonly url: string; readonly socket: string }>;
  /** Reads certificate and key again, for handshakes from now on. Throws `TLS_INVALID`; the old ones stay then. */
  reloadCertificate(): Promise<void>;
  /** Resolves once both entrances are closed: what is in flight has finished, or was cut off after the grace. */
  close(graceMilliseconds: number): Promise<void>;
}

function mount(server: Server, routes: readonly BoundRoute[], entrance: Entrance, log: Logger): void {
  for (const bound of routes) {
    const { method, path } = bound.route;
    const handler = dispatcher(bound, entrance, log);
    const at = path.replace(/\{(\w+)\}/g, ':$1');
    if (method === 'GET') {
      server.get(at, handler);
      server.head(at, handler);
    } else if (method === 'POST') server.post(at, handler);
    else if (method === 'PATCH') server.patch(at, handler);
    else if (method === 'PUT') server.put(at, handler);
    else server.del(at, handler);
  }
}

/** The admin API over TCP, and the same routes on `<data_dir>/control.sock`, where the caller is administrator. */
export function createAdminApi(options: AdminApiOptions): AdminApi {
  const { config, clock, log } = options;
  const { api } = config;
  const trustedProxies = new NetworkSet(api.trusted_proxies);
  const maySetUp = setUpPeers({ networks: new NetworkSet(api.setup_networks), trustedProxies, clock });
  const limits = { ...api.rate_limit, rateLimits: options.rateLimits, clock };
  const tokens = new Tokens({ jwtSecret: options.secrets.jwtSecret, clock });
  const seals = new Seals(options.secrets.secretsKey);
  const ttl = { tokenTtl: api.token_ttl, refreshTtl: api.refresh_token_ttl };
  const sessions = new ApiSessions({ ...options, ...ttl, tokens, seals });
  const eventStreams = new EventStreams({
    feed: options.eventFeed,
    log,
    limits: api.events,
    ...(options.streamTimes === undefined ? {} : { times: options.streamTimes }),
  });
  const once = answerOnce({ store: options.idempotency, seals, clock });

  const routes = bindRoutes({
    ...options,
    sessions,
    seals,
    eventStreams,
    throttle: new LoginThrottle(limits),
    failedLogins: new FailedLogins(options),
    settings: { registration: api.registration, setupToken: api.setup_token },
    pluginsReadOnly: api.plugins === 'read-only',
    document: buildOpenApiDocument(),
  });

  const overTcp: Entrance = {
    authenticate: bearerAuthentication({ ...options, tokens, seals }),
    answerOnce: once,
    limit: requestLimit(limits),
    facts: (request: Request, id) => ({
      id,
      address: clientAddress(request, trustedProxies),
      userAgent: userAgentOf(request),
      maySetUp: () => maySetUp(request),
    }),
  };
  const overSocket: Entrance = {
    authenticate: controlSocketAuthentication,
    answerOnce: once,
    limit: null,
    facts: (request, id) => ({ id, address: null, userAgent: userAgentOf(request), maySetUp: () => true }),
  };

  let closing = false;
  const build = (entrance: Entrance, facing: Pick<HttpServerOptions, 'cors' | 'tls'> = {}) => {
    const timeouts = options.timeouts ?? defaultTimeouts;
    const server = createHttpServer({ ...facing, log, timeouts, closing: () => closing });
    mount(server, routes, entrance, log);
    return server;
  };
  const overTcpServer = build(overTcp, { cors: api.cors, tls: api.tls });
  mountSwaggerUi(overTcpServer);
  const tcpServer: HttpServer = overTcpServer.server as HttpServer;
  const socketServer = build(overSocket).server as HttpServer;
  const close = async (graceMilliseconds: number) => {
    closing = true;
    eventStreams.close();
    await Promise.all([closeWithin(tcpServer, graceMilliseconds), closeWithin(socketServer, graceMilliseconds)]);
  };

  const reloadCertificate = async () => {
    if (api.tls === undefined || !(tcpServer instanceof HttpsServer)) return;
    tcpServer.setSecureContext({ ...(await readCertificate(api.tls)), minVersion: api.tls.minimum_version });
  };

  return {
    reloadCertificate,
    async listen() {
      await reloadCertificate();
      const socket = join(config.data_dir, 'control.sock');
      try {
        const url = await listenOnPort(tcpServer, api.address, api.port);
        await listenOnSocket(socketServer, socket);
        return { url, socket };
      } catch (error) {
        await close(0);
        throw error;
      }
    },
    close,
  };
}
