import type { Accounts } from '../../core/storage/ports/accounts.ts';
import type { ApiAccess } from '../../core/storage/ports/api-access.ts';
import type { AuditLog } from '../../core/storage/ports/audit-log.ts';
import type { Blacklist } from '../../core/storage/ports/blacklist.ts';
import type { DeliveryStatistics } from '../../core/storage/ports/delivery-statistics.ts';
import type { DeliveryStore } from '../../core/storage/ports/delivery-store.ts';
import type { IdempotencyStore } from '../../core/storage/ports/idempotency.ts';
import type { KeyValueStore } from '../../core/storage/ports/key-value.ts';
import type { MailLog, QueueActions } from '../../core/storage/ports/mail-log.ts';
import type { MessageStore } from '../../core/storage/ports/message-store.ts';
import type { SettingsStore } from '../../core/storage/ports/settings.ts';

/** An adapter under test: every port, on one empty database. */
export interface Storage {
  readonly messages: MessageStore;
  readonly deliveries: DeliveryStore;
  readonly mailLog: MailLog;
  readonly deliveryStatistics: DeliveryStatistics;
  readonly queueActions: QueueActions;
  readonly accounts: Accounts;
  readonly apiAccess: ApiAccess;
  readonly auditLog: AuditLog;
  readonly idempotency: IdempotencyStore;
  readonly blacklist: Blacklist;
  readonly settings: SettingsStore;
  keyValue(pluginId: string): KeyValueStore;
  /** The same database after all processes ended in order. */
  reopen(): Promise<Storage>;
  /** The same database after its processes ended while they held leases. */
  crash(): Promise<Storage>;
  close(): Promise<void>;
}

/** `ambiguousDelay` in milliseconds. */
export type OpenStorage = (options?: { ambiguousDelay?: number }) => Promise<Storage>;
