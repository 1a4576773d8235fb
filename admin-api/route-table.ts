import type { AccountsService } from '../core/accounts/accounts-service.ts';
import type { Seals } from '../core/accounts/seals.ts';
import type { HealthSource } from '../core/observability/health.ts';
import type { Accounts } from '../core/storage/ports/accounts.ts';
import type { ApiAccess } from '../core/storage/ports/api-access.ts';
import type { AuditLog } from '../core/storage/ports/audit-log.ts';
import type { DeliveryStatistics } from '../core/storage/ports/delivery-statistics.ts';
import type { MailLog, QueueActions } from '../core/storage/ports/mail-log.ts';
import type { WebhooksService } from '../core/webhooks/webhooks-service.ts';
import type { EventStreams } from './events/event-streams.ts';
import type { BoundRoute, Route } from './route.ts';
import { activeSessionRoutes, bindActiveSessions } from './routes/active-sessions.ts';
import { apiKeyRoutes, bindApiKeys } from './routes/api-keys.ts';
import { auditLogRoutes, bindAuditLog } from './routes/audit-log.ts';
import { type AuthServices, authRoutes, bindAuth } from './routes/auth.ts';
import { type BlacklistServices, bindBlacklist, blacklistRoutes } from './routes/blacklist.ts';
import { bindBlacklistLists, blacklistListRoutes } from './routes/blacklist-lists.ts';
import { bindCaptured, capturedRoutes } from './routes/captured.ts';
import { bindConnectionTests, connectionTestRoutes, type UpstreamTests } from './routes/connection-tests.ts';
import { bindDomains, type DomainServices, domainRoutes } from './routes/domains.ts';
import { bindEvents, eventRoutes } from './routes/events.ts';
import { bindHealth, healthRoutes } from './routes/health.ts';
import { bindMailLogExport, mailLogExportRoutes } from './routes/mail-log-export.ts';
import { bindMailLogs, mailLogRoutes } from './routes/mail-logs.ts';
import { bindOpenApi, openApiRoutes } from './routes/openapi.ts';
import { bindPlugins, type PluginServices, pluginRoutes } from './routes/plugins.ts';
import { bindQueue, queueRoutes } from './routes/queue.ts';
import { bindQueueOrders, queueOrderRoutes } from './routes/queue-orders.ts';
import { bindQuotas, type QuotaServices, quotaRoutes } from './routes/quotas.ts';
import { bindRawMessages, rawMessageRoutes } from './routes/raw-message.ts';
import { bindSessions, sessionRoutes } from './routes/sessions.ts';
import { bindSmtpCredentials, smtpCredentialRoutes } from './routes/smtp-credentials.ts';
import { bindStats, statsRoutes } from './routes/stats.ts';
import { bindConservation, bindSystem, type SystemServices, systemRoutes } from './routes/system.ts';
import { bindUpstreams, type UpstreamServices, upstreamRoutes } from './routes/upstreams.ts';
import { bindUsers, userRoutes } from './routes/users.ts';
import { bindWebhooks, webhookRoutes } from './routes/webhooks.ts';

/** Every route there is. A new resource is a file in routes/, a line here, and a line where its handlers are bound. */
export const routeTable: readonly Route[] = [
  ...healthRoutes,
  ...authRoutes,
  ...sessionRoutes,
  ...activeSessionRoutes,
  ...apiKeyRoutes,
  ...userRoutes,
  ...smtpCredentialRoutes,
  ...domainRoutes,
  ...quotaRoutes,
  ...blacklistRoutes,
  ...blacklistListRoutes,
  ...mailLogRoutes,
  ...mailLogExportRoutes,
  ...statsRoutes,
  ...rawMessageRoutes,
  ...capturedRoutes,
  ...queueRoutes,
  ...queueOrderRoutes,
  ...eventRoutes,
  ...webhookRoutes,
  ...auditLogRoutes,
  ...pluginRoutes,
  ...upstreamRoutes,
  ...connectionTestRoutes,
  ...systemRoutes,
  ...openApiRoutes,
];

export interface ApiServices
  extends AuthServices,
    BlacklistServices,
    PluginServices,
    UpstreamServices,
    DomainServices,
    QuotaServices,
    SystemServices {
  readonly upstreamTests: UpstreamTests;
  readonly accounts: Accounts;
  readonly accountsService: AccountsService;
  readonly apiAccess: ApiAccess;
  readonly auditLog: AuditLog;
  readonly seals: Seals;
  readonly mailLog: MailLog;
  readonly deliveryStatistics: DeliveryStatistics;
  readonly queueActions: QueueActions;
  readonly eventStreams: EventStreams;
  readonly webhooksService: WebhooksService;
  readonly health: HealthSource;
  readonly pluginAdministration: PluginServices['pluginAdministration'];
  readonly version: string;
  /** The OpenAPI document. */
  readonly document: { openapi: string };
}

/** Every route with its handler; each resource takes of the services what it needs. */
export const bindRoutes = (services: ApiServices): readonly BoundRoute[] => [
  ...bindHealth(services),
  ...bindAuth(services),
  ...bindSessions(services),
  ...bindActiveSessions(services),
  ...bindApiKeys(services),
  ...bindUsers(services),
  ...bindSmtpCredentials(services),
  ...bindDomains(services),
  ...bindQuotas(services),
  ...bindBlacklist(services),
  ...bindBlacklistLists(services),
  ...bindMailLogs(services),
  ...bindMailLogExport(services),
  ...bindStats(services),
  ...bindRawMessages(services),
  ...bindCaptured(services),
  ...bindQueue(services),
  ...bindQueueOrders(services),
  ...bindEvents(services),
  ...bindWebhooks(services),
  ...bindAuditLog(services),
  ...bindPlugins(services),
  ...bindUpstreams(services),
  ...bindConnectionTests(services),
  ...bindSystem(services),
  ...bindConservation(services),
  ...bindOpenApi(services),
];

/** Tags of the document, in its order. */
export const tags: Readonly<Record<string, string>> = {
  health: 'Is it alive, and how is it?',
  auth: 'Accounts and tokens',
  'api-keys': 'What scripts call the API with',
  users: 'People and scripts that own credentials',
  'smtp-credentials': 'What applications log in to SMTP with',
  domains: 'Where users and credentials may send from',
  quotas: 'What may still be sent',
  blacklist: 'Who is refused by address',
  'mail-logs': 'What became of every message, and why',
  stats: 'How much mail became what, how fast and where',
  captured: 'Mail that was kept instead of sent',
  queue: 'Mail that still wants work',
  events: 'What happens, as it happens',
  webhooks: 'Addresses that are told of what happens',
  'audit-log': 'Who changed what',
  plugins: 'What judges and relays mail, and how',
  upstreams: 'Where mail is relayed to',
  system: 'The relay as a whole',
  documentation: 'This page',
};
