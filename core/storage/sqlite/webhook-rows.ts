import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { SluiceError } from '../../domain/errors.ts';
import type { ChangeOptions, Page } from '../ports/accounts.ts';
import type { AuditEntry } from '../ports/audit-log.ts';
import type { StoredWebhook, Webhook, WebhookState } from '../ports/webhooks.ts';
import type { AuditRows } from './audit-rows.ts';

/** Writing side of the webhooks. Who delivers is known in memory only: one process has the database at a time. */
export class WebhookRows {
  readonly #audit: AuditRows;
  readonly #insert: StatementSync;
  readonly #read: StatementSync;
  readonly #update: StatementSync;
  readonly #saveState: StatementSync;
  readonly #remove: StatementSync;
  readonly #holders = new Map<string, { readonly holder: string; readonly until: number }>();

  constructor(database: DatabaseSync, audit: AuditRows) {
    this.#audit = audit;
    this.#insert = database.prepare(
      `INSERT INTO webhooks (id, owner_id, row, state)
       SELECT ?1, ?2, ?3, ?4 WHERE (SELECT count(*) FROM webhooks WHERE owner_id = ?2) < ?5`,
    );
    this.#read = database.prepare('SELECT row, state FROM webhooks WHERE id = ?');
    this.#update = database.prepare('UPDATE webhooks SET row = ?, state = ? WHERE id = ?');
    this.#saveState = database.prepare('UPDATE webhooks SET state = ? WHERE id = ?');
    this.#remove = database.prepare('DELETE FROM webhooks WHERE id = ?');
  }

  insert({ webhook, state }: StoredWebhook, { most, audit }: { most: number; audit?: AuditEntry }): boolean {
    const { id, ownerId } = webhook;
    const { changes } = this.#insert.run(id, ownerId, JSON.stringify(webhook), JSON.stringify(state), most);
    if (changes === 0) return false;
    this.#audit.append(audit);
    return true;
  }

  update(id: string, change: Partial<Webhook>, options: ChangeOptions & { state?: WebhookState } = {}): boolean {
    const stored = this.#get(id);
    if (stored === null) return false;
    const { webhook } = stored;
    if (options.ifUpdatedAt !== undefined && options.ifUpdatedAt !== webhook.updatedAt) {
      throw new SluiceError('PRECONDITION_FAILED', 'somebody changed it meanwhile; read it again, then decide anew');
    }
    const updatedAt =
      change.updatedAt === undefined ? webhook.updatedAt : Math.max(change.updatedAt, webhook.updatedAt + 1);
    const state = options.state ?? stored.state;
    this.#update.run(JSON.stringify({ ...webhook, ...change, updatedAt }), JSON.stringify(state), id);
    this.#audit.append(options.audit);
    return true;
  }

  remove(id: string, audit?: AuditEntry): boolean {
    this.#holders.delete(id);
    if (this.#remove.run(id).changes === 0) return false;
    this.#audit.append(audit);
    return true;
  }

  hold(id: string, holder: string, now: number, until: number): StoredWebhook | null {
    const held = this.#holders.get(id);
    if (held !== undefined && held.holder !== holder && held.until > now) return null;
    const stored = this.#get(id);
    if (stored === null || !stored.webhook.enabled) return null;
    this.#holders.set(id, { holder, until });
    return stored;
  }

  saveState(id: string, holder: string, state: WebhookState): boolean {
    if (this.#holders.get(id)?.holder !== holder) return false;
    return this.#saveState.run(JSON.stringify(state), id).changes > 0;
  }

  release(id: string, holder: string): void {
    if (this.#holders.get(id)?.holder === holder) this.#holders.delete(id);
  }

  #get(id: string): StoredWebhook | null {
    const row = this.#read.get(id);
    return row === undefined ? null : storedWebhook(row);
  }
}

const storedWebhook = ({ row, state }: { row?: unknown; state?: unknown }): StoredWebhook => ({
  webhook: JSON.parse(String(row)) as Webhook,
  state: JSON.parse(String(state)) as WebhookState,
});

export function readWebhook(database: DatabaseSync, id: string): StoredWebhook | null {
  const row = database.prepare('SELECT row, state FROM webhooks WHERE id = ?').get(id);
  return row === undefined ? null : storedWebhook(row);
}

/** The cursor is the last id, which need not be there any more. */
export function listWebhooks(
  database: DatabaseSync,
  { ownerId, after, limit }: { ownerId?: string; after?: string; limit: number },
): Page<StoredWebhook> {
  const found = database
    .prepare('SELECT row, state FROM webhooks WHERE id > ?1 AND (?2 IS NULL OR owner_id = ?2) ORDER BY id LIMIT ?3')
    .all(after ?? '', ownerId ?? null, limit + 1)
    .map(storedWebhook);
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? (items.at(-1)?.webhook.id ?? null) : null };
}

export const enabledWebhooks = (database: DatabaseSync): StoredWebhook[] =>
  database
    .prepare("SELECT row, state FROM webhooks WHERE json_extract(row, '$.enabled') ORDER BY id")
    .all()
    .map(storedWebhook);
