import type { AccountsService } from '../core/accounts/accounts-service.ts';
import type { HealthSource } from '../core/observability/health.ts';
import type { MailLog, QueueActions } from '../core/storage/ports/mail-log.ts';
import type { BoundRoute, Route } from './route.ts';
import { type AuthServices, authRoutes, bindAuth } from './routes/auth.ts';
import { bindHealth, healthRoutes } from './routes/health.ts';
import { bindMailLogs, mailLogRoutes } from './routes/mail-logs.ts';
import { bindOpenApi, openApiRoutes } from './routes/openapi.ts';
import { bindQueue, queueRoutes } from './routes/queue.ts';
import { bindSmtpCredentials, smtpCredentialRoutes } from './routes/smtp-credentials.ts';
import { bindSystem, systemRoutes } from './routes/system.ts';
import { bindUsers, userRoutes } from './routes/users.ts';

/** Every route there is. A new resource is a file in routes/, a line here, and a line where its handlers are bound. */
export const routeTable: readonly Route[] = [
  ...healthRoutes,
  ...authRoutes,
  ...userRoutes,
  ...smtpCredentialRoutes,
  ...mailLogRoutes,
  ...queueRoutes,
  ...systemRoutes,
  ...openApiRoutes,
];

export interface ApiServices extends AuthServices {
  readonly accountsService: AccountsService;
  readonly mailLog: MailLog;
  readonly queueActions: QueueActions;
  readonly health: HealthSource;
  readonly version: string;
  /** The OpenAPI document. */
  readonly document: { openapi: string };
}

/** Every route with its handler; each resource takes of the services what it needs. */
export const bindRoutes = (services: ApiServices): readonly BoundRoute[] => [
  ...bindHealth(services),
  ...bindAuth(services),
  ...bindUsers(services),
  ...bindSmtpCredentials(services),
  ...bindMailLogs(services),
  ...bindQueue(services),
  ...bindSystem(services),
  ...bindOpenApi(services),
];

/** Tags of the document, in its order. */
export const tags: Readonly<Record<string, string>> = {
  health: 'Is it alive, and how is it?',
  auth: 'Accounts and tokens',
  users: 'People and scripts that own credentials',
  'smtp-credentials': 'What applications log in to SMTP with',
  'mail-logs': 'What became of every message, and why',
  queue: 'Mail that still wants work',
  system: 'The relay as a whole',
  documentation: 'This page',
};
