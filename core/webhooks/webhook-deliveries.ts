import type { Accounts } from '../storage/ports/accounts.ts';
import type { Bus } from '../storage/ports/bus.ts';
import type { Webhook } from '../storage/ports/webhooks.ts';
import { WebhookRun, type WebhookRunOptions } from './webhook-run.ts';

export interface WebhookDeliveriesOptions extends WebhookRunOptions {
  readonly accounts: Pick<Accounts, 'user'>;
  readonly bus: Bus;
  /** How often is looked at what should run besides what the bus tells. */
  readonly pollMilliseconds: number;
}

/** Keeps a run for each webhook that is on and whose owner may have it. */
export class WebhookDeliveries {
  readonly #options: WebhookDeliveriesOptions;
  readonly #runs = new Map<string, WebhookRun>();
  readonly #timer: NodeJS.Timeout;
  readonly #unsubscribe: () => void;
  #looking: Promise<void> | null = null;
  #again = false;
  #closed = false;

  constructor(options: WebhookDeliveriesOptions) {
    this.#options = options;
    this.#unsubscribe = options.bus.subscribe(({ kind }) => {
      if (kind === 'webhook' || kind === 'user' || kind === 'missed') this.#look();
    });
    this.#timer = setInterval(() => this.#look(), options.pollMilliseconds).unref();
    this.#look();
  }

  /** Gives up what is under way, and remembers how far it came. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#unsubscribe();
    await this.#looking;
    await Promise.all(Array.from(this.#runs.values(), (run) => run.stop()));
  }

  #look(): void {
    this.#again = true;
    this.#looking ??= this.#lookAll().finally(() => {
      this.#looking = null;
    });
  }

  async #lookAll(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        await this.#arrange();
      } catch (error) {
        this.#options.log.warn({ err: error }, 'webhooks cannot be read; trying again');
      }
    }
  }

  async #arrange(): Promise<void> {
    const wanted = new Map<string, Webhook>();
    for (const { webhook } of await this.#options.webhooks.enabled()) {
      if (await this.#mayHave(webhook)) wanted.set(webhook.id, webhook);
    }
    for (const [id, run] of [...this.#runs]) {
      if (wanted.get(id)?.updatedAt !== run.updatedAt) await run.stop();
    }
    for (const webhook of wanted.values()) {
      if (!this.#closed && !this.#runs.has(webhook.id)) this.#start(webhook);
    }
  }

  #start(webhook: Webhook): void {
    const run = new WebhookRun(webhook, this.#options, () => {
      if (this.#runs.get(webhook.id) === run) this.#runs.delete(webhook.id);
    });
    this.#runs.set(webhook.id, run);
  }

  async #mayHave({ ownerId, allOwners }: Webhook): Promise<boolean> {
    const owner = await this.#options.accounts.user(ownerId);
    if (owner === null || !owner.enabled || owner.deletedAt !== null) return false;
    return !allOwners || owner.role === 'admin';
  }
}
