import { auditEntry } from '../accounts/audit-entries.ts';
import type { Seals } from '../accounts/seals.ts';
import type { Clock } from '../domain/clock.ts';
import type { EventFilter, SluiceEvent } from '../domain/event.ts';
import { EventCursor } from '../events/event-cursor.ts';
import type { EventFeed } from '../events/event-feed.ts';
import type { Logger } from '../observability/log.ts';
import type { Webhook, WebhookState, Webhooks } from '../storage/ports/webhooks.ts';
import { pause } from './pause.ts';
import { retryDelay, type WebhookRetry } from './retry-delay.ts';
import { openSecrets } from './secrets.ts';
import { signedHeaders } from './signature.ts';
import { renewMilliseconds, WebhookHold } from './webhook-hold.ts';
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

/** Events that a webhook is to be told of. */
const filterOf = ({ ownerId, allOwners, types }: Webhook): EventFilter => ({
  ...(allOwners ? {} : { ownerId }),
  ...(types.length === 0 ? {} : { types }),
});

/**
 * Delivers the events of one webhook, one after the other in their order: the next only when the one before was taken.
 * Ends by itself when the webhook is off, gone, changed, or somebody else's to deliver.
 */
export class WebhookRun {
  readonly #options: WebhookRunOptions;
  readonly #webhook: Webhook;
  readonly #hold: WebhookHold;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  /** `ended` is called when it has ended, for whatever reason. */
  constructor(webhook: Webhook, options: WebhookRunOptions, ended: () => void) {
    this.#options = options;
    this.#webhook = webhook;
    this.#hold = new WebhookHold(webhook, options);
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
    const state = await this.#hold.take();
    if (state === null) return;
    try {
      const cursor = new EventCursor(
        this.#options.feed,
        filterOf(this.#webhook),
        await this.#beginning(state.position),
      );
      try {
        await this.#deliverAll(cursor);
      } finally {
        cursor.close();
      }
      await this.#hold.save();
    } finally {
      await this.#hold.release();
    }
  }

  async #deliverAll(cursor: EventCursor): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stop;
    let waiting: readonly SluiceEvent[] = [];
    while (!signal.aborted) {
      const state = await this.#hold.take();
      if (state === null) return;
      const wait = (state.nextAt ?? 0) - clock.now();
      if (wait > 0) {
        await pause(Math.min(wait, renewMilliseconds), signal);
        continue;
      }
      if (waiting.length === 0) waiting = await cursor.next(this.#hold.patience, signal);
      const [event] = waiting;
      if (event === undefined) this.#hold.passed(cursor.position);
      else if (await this.#deliver(event, state)) waiting = waiting.slice(1);
      else continue;
      await this.#hold.saveNowAndThen();
    }
  }

  /** True once it was taken. */
  async #deliver(event: SluiceEvent, state: WebhookState): Promise<boolean> {
    const { sender, seals, clock, render } = this.#options;
    const now = clock.now();
    const body = render(event);
    const headers = signedHeaders({ id: `event_${event.id}`, body, at: now }, openSecrets(this.#webhook, seals, now));
    const outcome = await sender.send(this.#webhook.url, headers, body, this.#stop.signal);
    if (outcome.ok) this.#hold.delivered(event.id);
    else if (!this.#stop.signal.aborted) await this.#failed(state, outcome);
    return outcome.ok;
  }

  async #failed(state: WebhookState, { reason, gone }: SendOutcome): Promise<void> {
    const { clock, retry, giveUpAfter, log } = this.#options;
    const now = clock.now();
    const failures = state.failures + 1;
    const failingSince = state.failingSince ?? now;
    const text = reason ?? 'no answer';
    const nextAt = now + retryDelay(failures, retry);
    log.info({ webhook: this.#webhook.id, failures, reason: text }, 'a webhook was not taken');
    await this.#hold.failed({ failures, failingSince, lastFailure: { at: now, reason: text }, nextAt });
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

  /** Where to go on after the event `position`, as far as events are kept. */
  async #beginning(position: number): Promise<number> {
    const { feed, log } = this.#options;
    const { oldest, newest } = await feed.bounds();
    if (position + 1 >= oldest && position <= newest) return position;
    log.warn({ webhook: this.#webhook.id, after: position, oldest }, 'events of a webhook are kept no longer');
    return Math.min(position, newest);
  }
}
