import type { CredentialDocument, KnownAddressDocument, SetupDocument, UserDocument } from './account-documents.ts';
import type { AuditDocument } from './audit-outbox.ts';
import type { BlacklistDocument } from './blacklist-documents.ts';
import type { CounterTotalDocument } from './counter-totals.ts';
import type { IdempotencyDocument } from './idempotency.ts';
import type { KeyValueDocument } from './key-value.ts';
import type { SchemaDocument } from './migrations.ts';
import type { ProcessDocument } from './processes.ts';
import type { ApiKeyDocument, SessionDocument, SessionEndDocument } from './session-documents.ts';
import type { SettingsDocument } from './settings.ts';
import type { WebhookDocument } from './webhooks.ts';

/** Every collection, and what its documents are. */
export interface Documents {
  api_keys: ApiKeyDocument;
  audit_log: AuditDocument;
  blacklist: BlacklistDocument;
  counters: CounterTotalDocument;
  credentials: CredentialDocument;
  idempotency_keys: IdempotencyDocument;
  key_values: KeyValueDocument;
  known_addresses: KnownAddressDocument;
  processes: ProcessDocument;
  schema_version: SchemaDocument;
  session_ends: SessionEndDocument;
  sessions: SessionDocument;
  settings: SettingsDocument;
  setup: SetupDocument;
  users: UserDocument;
  webhooks: WebhookDocument;
}

export type CollectionName = keyof Documents;
