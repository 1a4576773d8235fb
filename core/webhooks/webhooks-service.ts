import { uuidv7 } from 'uuidv7';
import { auditEntry } from '../accounts/audit-entries.ts';
import type { Seals } from '../accounts/seals.ts';
import type { Clock } from '../domain/clock.ts';
import { SluiceError } from '../domain/errors.ts';
import type { EventType } from '../domain/event.ts';
import type { Page } from '../storage/ports/accounts.ts';
import type { AuditEntry, AuditOrigin } from '../storage/ports/audit-log.ts';
import type { Bus } from '../storage/ports/bus.ts';
import type { Events } from '../storage/ports/events.ts';
import type { StoredWebhook, Webhook, WebhookState, Webhooks } from '../storage/ports/webhooks.ts';
import { openSecrets, rotated, sealSecret } from './secrets.ts';
import { newWebhookSecret, signedHeaders } from './signature.ts';
import type { SendOutcome, WebhookSender } from './webhook-sender.ts';

export interface WebhooksServiceOptions {
  readonly webhooks: Webhooks;
  readonly events: Events;
  readonly sender: WebhookSender;
  readonly seals: Seals;
  readonly bus: Bus;
  readonly clock: Clock;
  /** Most webhooks of one user. */
  readonly perUser: number;
}

/** What its owner decides of a webhook. */
export interface WebhookSettings {
  readonly name: string;
  readonly url: string;
  readonly types: readonly EventType[];
  readonly allOwners: boolean;
  readonly enabled: boolean;
}

/** A webhook with its secret in clear: shown this once. */
export interface IssuedWebhook extends StoredWebhook {
  readonly secret: string;
}

interface ChangeRequest {
  readonly by: AuditOrigin;
  readonly ifUpdatedAt?: number;
}

/** A secret that was replaced is valid for so much longer, so that the receiver can follow. */
const rotationMilliseconds = 86_400_000;

const auditValues = ({ ownerId, name, url, types, allOwners, enabled, secrets }: Webhook) => ({
  owner_id: ownerId,
  name,
  url,
  types,
  all_owners: allOwners,
  enabled,
  secret: secrets[0]?.sealed,
});

/** Webhooks: every change is checked, stored with its audit entry and told on the bus. Who may do it is the caller's question. */
export class WebhooksService {
  readonly #options: WebhooksServiceOptions;

  constructor(options: WebhooksServiceOptions) {
    this.#options = options;
  }

  /** Throws `NOT_FOUND`. */
  async get(id: string): Promise<StoredWebhook> {
    const stored = await this.#options.webhooks.get(id);
    if (stored === null) throw notFound();
    return stored;
  }

  list(options: { ownerId?: string; after?: string; limit: number }): Promise<Page<StoredWebhook>> {
    return this.#options.webhooks.list(options);
  }

  /** It is told of what happens from now on. Throws `REQUEST_INVALID` for the URL, `CONFLICT` beyond `perUser`. */
  async create(ownerId: string, settings: WebhookSettings, by: AuditOrigin): Promise<IssuedWebhook> {
    const { webhooks, seals, clock, perUser } = this.#options;
    this.#checkUrl(settings.url);
    const at = clock.now();
    const id = uuidv7();
    const secret = newWebhookSecret();
    const webhook: Webhook = {
      id,
      ownerId,
      ...settings,
      secrets: [sealSecret(id, secret, seals)],
      disabledReason: null,
      createdAt: at,
      updatedAt: at,
    };
    const stored = { webhook, state: await this.#fresh() };
    const audit = this.#entry('webhook.create', by, null, webhook);
    if (!(await webhooks.insert(stored, { most: perUser, audit }))) {
      throw new SluiceError('CONFLICT', `a user has at most ${perUser} webhooks; delete one first`);
    }
    this.#tell(id);
    return { ...stored, secret };
  }

  /** Switched on again, it is told of what happens from then on. Throws as `create`, and `PRECONDITION_FAILED`. */
  async change(id: string, change: Partial<WebhookSettings>, request: ChangeRequest): Promise<StoredWebhook> {
    if (change.url !== undefined) this.#checkUrl(change.url);
    const { webhook: before } = await this.get(id);
    const starts = change.enabled === true && !before.enabled;
    const cleared = change.enabled === undefined ? {} : { disabledReason: null };
    return this.#update(
      'webhook.change',
      before,
      { ...change, ...cleared },
      request,
      starts ? await this.#fresh() : null,
    );
  }

  /** The secret before this one stays valid for a day. */
  async rotateSecret(id: string, request: ChangeRequest): Promise<IssuedWebhook> {
    const { seals, clock } = this.#options;
    const { webhook: before } = await this.get(id);
    const secret = newWebhookSecret();
    const secrets = rotated(before, sealSecret(id, secret, seals), clock.now() + rotationMilliseconds);
    return { ...(await this.#update('webhook.rotate-secret', before, { secrets }, request, null)), secret };
  }

  async remove(id: string, by: AuditOrigin): Promise<void> {
    const { webhook } = await this.get(id);
    await this.#options.webhooks.remove(id, this.#entry('webhook.delete', by, webhook, null));
    this.#tell(id);
  }

  /** Sends a delivery that says it is a test, now and once. */
  async test(id: string): Promise<SendOutcome> {
    const { sender, seals, clock } = this.#options;
    const { webhook } = await this.get(id);
    const at = clock.now();
    const body = JSON.stringify({ type: 'test', at: new Date(at).toISOString(), webhook_id: id });
    const headers = signedHeaders({ id: `test_${uuidv7()}`, body, at }, openSecrets(webhook, seals, at));
    return await sender.send(webhook.url, headers, body, new AbortController().signal);
  }

  async #update(
    action: string,
    before: Webhook,
    change: Partial<Webhook>,
    { by, ifUpdatedAt = before.updatedAt }: ChangeRequest,
    state: WebhookState | null,
  ): Promise<StoredWebhook> {
    const updatedAt = this.#options.clock.now();
    const audit = this.#entry(action, by, before, { ...before, ...change });
    const options = { ifUpdatedAt, audit, ...(state === null ? {} : { state }) };
    const { id } = before;
    if (!(await this.#options.webhooks.update(id, { ...change, updatedAt }, options))) throw notFound();
    this.#tell(id);
    return await this.get(id);
  }

  async #fresh(): Promise<WebhookState> {
    const { newest } = await this.#options.events.bounds();
    return {
      position: newest,
      lastSuccessAt: null,
      lastFailure: null,
      failures: 0,
      failingSince: null,
      nextAt: null,
    };
  }

  #checkUrl(url: string): void {
    const message = this.#options.sender.problem(url);
    if (message === null) return;
    throw new SluiceError('REQUEST_INVALID', `body.url: ${message}`, { problems: [{ path: 'body.url', message }] });
  }

  #tell(id: string): void {
    this.#options.bus.publish({ kind: 'webhook', id });
  }

  #entry(action: string, by: AuditOrigin, before: Webhook | null, after: Webhook | null): AuditEntry {
    return auditEntry({
      by,
      at: this.#options.clock.now(),
      action,
      subject: { kind: 'webhook', id: (after ?? before)?.id ?? '' },
      before: before === null ? null : auditValues(before),
      after: after === null ? null : auditValues(after),
    });
  }
}

const notFound = () => new SluiceError('NOT_FOUND', 'there is no such webhook');
