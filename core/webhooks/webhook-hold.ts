import { uuidv7 } from 'uuidv7';
import type { Clock } from '../domain/clock.ts';
import type { StoredWebhook, Webhook, WebhookState, Webhooks } from '../storage/ports/webhooks.ts';

/** The right is taken for so long, and prolonged well before it ends. */
const holdMilliseconds = 60_000;
export const renewMilliseconds = 15_000;
/** How often progress is written while deliveries succeed; after a crash these are made again. */
export const saveMilliseconds = 1_000;

/** Where a run begins: at once, if somebody changed something after the last failure. */
const begun = ({ webhook, state }: StoredWebhook): WebhookState =>
  state.lastFailure !== null && webhook.updatedAt > state.lastFailure.at ? { ...state, nextAt: null } : state;

/** The sole right to deliver of one version of a webhook, and how far its deliveries have come. */
export class WebhookHold {
  readonly #webhook: Webhook;
  readonly #webhooks: Webhooks;
  readonly #clock: Clock;
  readonly #holder = uuidv7();
  #state: WebhookState | null = null;
  #saved = { position: -1, at: Number.NEGATIVE_INFINITY };
  #unsaved = false;
  #heldAt = Number.NEGATIVE_INFINITY;

  constructor(webhook: Webhook, options: { readonly webhooks: Webhooks; readonly clock: Clock }) {
    this.#webhook = webhook;
    this.#webhooks = options.webhooks;
    this.#clock = options.clock;
  }

  /** Takes or prolongs the right; null where it is not to be had, or the webhook was changed. */
  async take(): Promise<WebhookState | null> {
    const now = this.#clock.now();
    if (this.#state !== null && now - this.#heldAt < renewMilliseconds && now >= this.#heldAt) return this.#state;
    const stored = await this.#webhooks.hold(this.#webhook.id, this.#holder, now, now + holdMilliseconds);
    if (stored === null || stored.webhook.updatedAt !== this.#webhook.updatedAt) return null;
    this.#heldAt = now;
    if (this.#state === null) {
      this.#state = begun(stored);
      this.#saved = { position: stored.state.position, at: Number.NEGATIVE_INFINITY };
    }
    return this.#state;
  }

  /** How soon `saveNowAndThen` wants to be called again: a delivery is worth a commit soon, what was passed over is not. */
  get patience(): number {
    return this.#unsaved ? saveMilliseconds : renewMilliseconds;
  }

  /** Everything up to this event is done with, without a delivery. */
  passed(position: number): void {
    if (this.#state !== null) this.#state = { ...this.#state, position };
  }

  /** This event was taken, and with it everything before. */
  delivered(position: number): void {
    if (this.#state === null) return;
    const lastSuccessAt = this.#clock.now();
    this.#state = { ...this.#state, position, lastSuccessAt, failures: 0, failingSince: null, nextAt: null };
    this.#unsaved = true;
  }

  /** A try failed; remembered at once. */
  async failed(state: Omit<WebhookState, 'position' | 'lastSuccessAt'>): Promise<void> {
    if (this.#state !== null) this.#state = { ...this.#state, ...state };
    this.#unsaved = true;
    await this.save();
  }

  async saveNowAndThen(): Promise<void> {
    if (performance.now() - this.#saved.at >= this.patience) await this.save();
  }

  async save(): Promise<void> {
    const state = this.#state;
    if (state === null || (!this.#unsaved && state.position === this.#saved.position)) return;
    await this.#webhooks.saveState(this.#webhook.id, this.#holder, state);
    this.#saved = { position: state.position, at: performance.now() };
    this.#unsaved = false;
  }

  release(): Promise<void> {
    return this.#webhooks.release(this.#webhook.id, this.#holder);
  }
}
