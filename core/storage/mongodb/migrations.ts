import type { Db } from 'mongodb';
import { accountIndexes } from './account-documents.ts';
import { auditIndexes } from './audit-log.ts';
import { outboxIndexes } from './audit-outbox.ts';
import { blacklistIndexes } from './blacklist-documents.ts';
import { eventIndexes } from './events/event-documents.ts';
import { idempotencyIndexes } from './idempotency.ts';
import { createIndexes, type Index } from './indexes.ts';
import { keyValueIndexes } from './key-value.ts';
import { mailIndexes } from './mail/mail-indexes.ts';
import { processIndexes } from './processes.ts';
import { sessionIndexes } from './session-documents.ts';
import { settingsIndexes } from './settings.ts';
import { webhookIndexes } from './webhooks.ts';

/** The only document of `schema_version`. */
export interface SchemaDocument {
  readonly _id: 'schema';
  /** How many migrations were made. */
  readonly version: number;
  /** Whoever knows fewer migrations than this cannot work with the database any more. */
  readonly oldest: number;
  /** Who is migrating now, and until when nobody else may; milliseconds since the epoch. */
  readonly migrating: { readonly token: string; readonly until: number } | null;
}

/**
 * One step forward. Two releases run side by side during an upgrade, so a step only adds, and what a release no longer
 * uses goes with the release after it. A step may be begun again after a crash: it must be idempotent.
 */
export interface Migration {
  readonly run: (database: Db) => Promise<void>;
  /** Set where releases that know fewer migrations than this cannot go on; default: that of the step before. */
  readonly oldest?: number;
}

/** Indexes of version 1: each room appends its own list. */
const firstIndexes: readonly Index[] = [
  ...accountIndexes,
  ...auditIndexes,
  ...outboxIndexes,
  ...blacklistIndexes,
  ...eventIndexes,
  ...idempotencyIndexes,
  ...keyValueIndexes,
  ...mailIndexes,
  ...processIndexes,
  ...sessionIndexes,
  ...settingsIndexes,
  ...webhookIndexes,
];

/** Append only; the version a step leads to is its place in the list, counted from 1. */
export const migrations: readonly Migration[] = [{ run: (database) => createIndexes(database, firstIndexes) }];
