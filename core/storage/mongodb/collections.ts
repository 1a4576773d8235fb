import type { CredentialDocument, KnownAddressDocument, SetupDocument, UserDocument } from './account-documents.ts';
import type { AuditDocument } from './audit-outbox.ts';
import type { BlacklistDocument } from './blacklist-documents.ts';
import type { EventDocument } from './events/event-documents.ts';
import type { IdempotencyDocument } from './idempotency.ts';
import type { KeyValueDocument } from './key-value.ts';
import type { AttemptDocument } from './mail/attempts.ts';
import type { BodyDocument } from './mail/bodies.ts';
import type { DayDocument } from './mail/conservation.ts';
import type { SumsDocument } from './mail/hourly-sums.ts';
import type { MessageDocument } from './mail/message-documents.ts';
import type { BodySweepDocument } from './mail/orphan-bodies.ts';
import type { MigrationDocument } from './migration-target.ts';
import type { SchemaDocument } from './migrations.ts';
import type { ProcessDocument } from './processes.ts';
import type { RehearsalDocument } from './rehearsals.ts';
import type { RevisionDocument } from './revisions.ts';
import type { ApiKeyDocument, SessionDocument, SessionEndDocument } from './session-documents.ts';
import type { SettingsDocument } from './settings.ts';
import type { WebhookDocument } from './webhooks.ts';

/** Every collection, and what its documents are. */
export interface Documents {
  api_keys: ApiKeyDocument;
  attempts: AttemptDocument;
  audit_log: AuditDocument;
  blacklist: BlacklistDocument;
  bodies: BodyDocument;
  body_sweeps: BodySweepDocument;
  credentials: CredentialDocument;
  days: DayDocument;
  domain_statistics: SumsDocument;
  events: EventDocument;
  idempotency_keys: IdempotencyDocument;
  key_values: KeyValueDocument;
  known_addresses: KnownAddressDocument;
  /** Refusals and tombstones, too. */
  messages: MessageDocument;
  migration: MigrationDocument;
  processes: ProcessDocument;
  rehearsals: RehearsalDocument;
  revisions: RevisionDocument;
  schema_version: SchemaDocument;
  session_ends: SessionEndDocument;
  sessions: SessionDocument;
  settings: SettingsDocument;
  setup: SetupDocument;
  statistics: SumsDocument;
  upstream_statistics: SumsDocument;
  users: UserDocument;
  webhooks: WebhookDocument;
}

export type CollectionName = keyof Documents;
