import type { EventType } from '../../domain/event.ts';
import type { ChangeOptions, Page } from './accounts.ts';
import type { AuditEntry } from './audit-log.ts';

/** What signs the deliveries, sealed under the server's key; `until` (milliseconds since the epoch) for one that was replaced. */
export interface WebhookSecret {
  readonly sealed: string;
  readonly until: number | null;
}

/** An address that is told of events. Times in milliseconds since the epoch. */
export interface Webhook {
  readonly id: string;
  readonly ownerId: string;
  readonly name: string;
  readonly url: string;
  /** Of everybody's mail and of the configuration; good only while the owner is an administrator. */
  readonly allOwners: boolean;
  /** Empty: all. */
  readonly types: readonly EventType[];
  /** The one in force, then the one before it while it is still valid. */
  readonly secrets: readonly WebhookSecret[];
  readonly enabled: boolean;
  /** Why Sluice itself switched it off. */
  readonly disabledReason: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What deliveries change. */
export interface WebhookState {
  /** Every event up to this id was delivered, or was not meant. */
  readonly position: number;
  readonly lastSuccessAt: number | null;
  readonly lastFailure: { readonly at: number; readonly reason: string } | null;
  /** Failures since the last success. */
  readonly failures: number;
  /** When the first of these was. */
  readonly failingSince: number | null;
  /** When the next try is, after a failure. */
  readonly nextAt: number | null;
}

export interface StoredWebhook {
  readonly webhook: Webhook;
  readonly state: WebhookState;
}

/** Webhooks and how far each has come. Every change is one conditional write, its audit entry included. */
export interface Webhooks {
  /** False where the owner has `most` of them already. */
  insert(stored: StoredWebhook, options: { readonly most: number; readonly audit?: AuditEntry }): Promise<boolean>;
  get(id: string): Promise<StoredWebhook | null>;
  /** In the order of their making. */
  list(options: { ownerId?: string; after?: string; limit: number }): Promise<Page<StoredWebhook>>;
  /** All that are on, for whoever delivers. */
  enabled(): Promise<readonly StoredWebhook[]>;
  /** As in `Accounts`; `state` replaces how far it has come, in the same write. */
  update(
    id: string,
    change: Partial<Omit<Webhook, 'id' | 'ownerId' | 'createdAt'>>,
    options?: ChangeOptions & { readonly state?: WebhookState },
  ): Promise<boolean>;
  remove(id: string, audit?: AuditEntry): Promise<boolean>;
  /**
   * Takes, or prolongs, the sole right to deliver of a webhook until `until`. Answers where to go on; null while another
   * has it, or the webhook is off or gone.
   */
  hold(id: string, holder: string, now: number, until: number): Promise<StoredWebhook | null>;
  /** Remembers how far deliveries have come; false, and nothing is written, where the right was lost. */
  saveState(id: string, holder: string, state: WebhookState): Promise<boolean>;
  /** Gives the right back. */
  release(id: string, holder: string): Promise<void>;
}
