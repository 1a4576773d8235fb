import { uuidv7 } from 'uuidv7';
import { auditEntry } from '../accounts/audit-entries.ts';
import type { Seals } from '../accounts/seals.ts';
import type { Clock } from '../domain/clock.ts';
import type { EventFilter, SluiceEvent } from '../domain/event.ts';
import { EventCursor } from '../events/event-cursor.ts';
import type { EventFeed } from '../events/event-feed.ts';
import type { Logger } from '../observability/log.ts';
import type { StoredWebhook, Webhook, WebhookState, Webhooks } from '../storage/ports/webhooks.ts';
import { retryDelay, type WebhookRetry } from './retry-delay.ts';
import { openSecrets } from './secrets.ts';
import { signedHeaders } from './signature.ts';
import type { SendOutcome, WebhookSender } from './webhook-sender.ts';

export interface WebhookRunOptions {
  readonly webhooks: Webhooks;
  readonly feed: EventFeed;
  readonly sender: WebhookSender;
  readonly seals: Seals;
  readonly clock: Clock;
  readonly log: Logger;
  /** The body of a delivery. */
  readonly render: (event: SluiceEvent) => string;
  readonly retry: WebhookRetry;
  /** Failing for so long without a success ends it, in milliseconds. */
  readonly giveUpAfter: number;
}

/** The sole right to deliver is taken for so long, and prolonged well before it ends. */
const holdMilliseconds = 60_000;
const renewMilliseconds = 15_000;
/** How often progress is written while deliveries succeed; after a crash these are made again. */
const saveMilliseconds = 1_000;

/** Events that a webhook is to be told of. */
const filterOf = ({ ownerId, allOwners, types }: Webhook): EventFilter => ({
  ...(allOwners ? {} : { ownerId }),
  ...(types.length === 0 ? {} : { types }),
});

/** Where a run begins: at once, if somebody changed something after the last failure. */
const begun = ({ webhook, state }: StoredWebhook): WebhookState =>
  state.lastFailure !== null && webhook.updatedAt > state.lastFailure.at ? { ...state, nextAt: null } : state;

/**
 * Delivers the events of one webhook, one after the other in their order: the next only when the one before was taken.
 * Ends by itself when the webhook is off, gone, or somebody else's to deliver.
 */
export class WebhookRun {
  readonly #options: WebhookRunOptions;
  readonly #webhook: Webhook;
  readonly #holder = uuidv7();
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #state: WebhookState | null = null;
  #saved = { position: -1, at: Number.NEGATIVE_INFINITY };
  /** True from a delivery until it is remembered; what was passed over is not worth a commit of its own. */
  #unsaved = false;
  #heldAt = Number.NEGATIVE_INFINITY;

  /** `ended` is called when it has ended, for whatever reason. */
  constructor(webhook: Webhook, options: WebhookRunOptions, ended: () => void) {
    this.#options = options;
    this.#webhook = webhook;
    this.#done = this.#run()
      .catch((error: unknown) => {
        options.log.warn({ err: error, webhook: webhook.id }, 'a webhook cannot be served; trying again');
      })
      .finally(ended);
  }

  /** The version that it works by. */
  get updatedAt(): number {
    return this.#webhook.updatedAt;
  }

  /** Gives up what is under way; it will be delivered again. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { webhooks, feed } = this.#options;
    const { id } = this.#webhook;
    if (!(await this.#hold())) return;
    const state = this.#state;
    if (state === null) return;
    const cursor = new EventCursor(feed, filterOf(this.#webhook), state.position);
    try {
      await this.#warnOfGap(state.position);
      await this.#deliverAll(cursor);
      await this.#save();
    } finally {
      cursor.close();
      await webhooks.release(id, this.#holder);
    }
  }

  async #deliverAll(cursor: EventCursor): Promise<void> {
    let waiting: readonly SluiceEvent[] = [];
    while (!this.#stop.signal.aborted && (await this.#hold())) {
      const state = this.#state;
      if (state === null) return;
      const wait = (state.nextAt ?? 0) - this.#options.clock.now();
      if (wait > 0) {
        await pause(Math.min(wait, renewMilliseconds), this.#stop.signal);
        continue;
      }
      const patience = this.#unsaved ? saveMilliseconds : renewMilliseconds;
      if (waiting.length === 0) waiting = await cursor.next(patience, this.#stop.signal);
      const [event] = waiting;
      if (event === undefined) {
        this.#state = { ...state, position: cursor.position };
        await this.#saveNowAndThen(patience);
      } else if (await this.#deliver(event, state)) {
        waiting = waiting.slice(1);
        await this.#saveNowAndThen(saveMilliseconds);
      }
    }
  }

  /** True once it was taken. */
  async #deliver(event: SluiceEvent, state: WebhookState): Promise<boolean> {
    const { sender, seals, clock, render } = this.#options;
    const now = clock.now();
    const body = render(event);
    const headers = signedHeaders({ id: `event_${event.id}`, body, at: now }, openSecrets(this.#webhook, seals, now));
    const outcome = await sender.send(this.#webhook.url, headers, body, this.#stop.signal);
    if (outcome.ok) {
      const position = event.id;
      this.#state = { ...state, position, lastSuccessAt: clock.now(), failures: 0, failingSince: null, nextAt: null };
      this.#unsaved = true;
      return true;
    }
    if (!this.#stop.signal.aborted) await this.#failed(state, outcome);
    return false;
  }

  async #failed(state: WebhookState, { reason, gone }: SendOutcome): Promise<void> {
    const { clock, retry, giveUpAfter, log } = this.#options;
    const now = clock.now();
    const failures = state.failures + 1;
    const failingSince = state.failingSince ?? now;
    const text = reason ?? 'no answer';
    this.#state = {
      ...state,
      failures,
      failingSince,
      lastFailure: { at: now, reason: text },
      nextAt: now + retryDelay(failures, retry),
    };
    log.info({ webhook: this.#webhook.id, failures, reason: text }, 'a webhook was not taken');
    await this.#save();
    if (gone) await this.#disable(`the receiver wants no more of it (${text})`, now);
    else if (now - failingSince >= giveUpAfter) {
      await this.#disable(`failed ${failures} times since ${new Date(failingSince).toISOString()}; last: ${text}`, now);
    }
  }

  /** Switches it off, unless its owner changed it meanwhile. */
  async #disable(reason: string, at: number): Promise<void> {
    const { webhooks, log } = this.#options;
    const { id, updatedAt } = this.#webhook;
    const change = { enabled: false, disabledReason: reason, updatedAt: at };
    const audit = auditEntry({
      by: undefined,
      at,
      action: 'webhook.disable',
      subject: { kind: 'webhook', id },
      before: { enabled: true, disabled_reason: null },
      after: { enabled: false, disabled_reason: reason },
    });
    await webhooks.update(id, change, { ifUpdatedAt: updatedAt, audit });
    log.warn({ webhook: id, reason }, 'a webhook was switched off');
    this.#stop.abort();
  }

  /** Takes or prolongs the right to deliver; false where it is not to be had. */
  async #hold(): Promise<boolean> {
    const { webhooks, clock } = this.#options;
    const now = clock.now();
    if (now - this.#heldAt < renewMilliseconds && now >= this.#heldAt) return true;
    const stored = await webhooks.hold(this.#webhook.id, this.#holder, now, now + holdMilliseconds);
    if (stored === null || stored.webhook.updatedAt !== this.#webhook.updatedAt) return false;
    this.#heldAt = now;
    this.#state ??= begun(stored);
    return true;
  }

  async #saveNowAndThen(milliseconds: number): Promise<void> {
    if (performance.now() - this.#saved.at >= milliseconds) await this.#save();
  }

  async #save(): Promise<void> {
    const state = this.#state;
    if (state === null || (state.position === this.#saved.position && state.nextAt === null)) return;
    await this.#options.webhooks.saveState(this.#webhook.id, this.#holder, state);
    this.#saved = { position: state.position, at: performance.now() };
    this.#unsaved = false;
  }

  async #warnOfGap(position: number): Promise<void> {
    const { oldest, newest } = await this.#options.feed.bounds();
    if (position + 1 >= oldest && position <= newest) return;
    this.#options.log.warn(
      { webhook: this.#webhook.id, after: position, oldest },
      'events were kept no longer when their webhook came to them',
    );
    if (position > newest && this.#state !== null) this.#state = { ...this.#state, position: newest };
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
