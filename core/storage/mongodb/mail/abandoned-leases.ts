import type { Collection } from 'mongodb';
import { type Attempt, isFinal, type RecipientRecord } from '../../../domain/message.ts';
import { interrupted } from '../../rules/interrupted.ts';
import { honourAll } from '../../rules/queue-orders.ts';
import type { Attempts } from './attempts.ts';
import type { EventOutbox } from './event-outbox.ts';
import { derivedState, type LeaseDocument, type MessageDocument } from './message-documents.ts';
import { outcomeEvents } from './message-events.ts';
import type { Moments } from './moments.ts';
import { type RecordChange, updateOf } from './record-change.ts';
import type { ServerClock } from './server-clock.ts';
import { placeOf } from './slot.ts';
import type { Statistics } from './statistics.ts';

/** Leases ended in one go. */
const batch = 500;

export interface AbandonedLeaseParts {
  readonly messages: Collection<MessageDocument>;
  readonly attempts: Attempts;
  readonly statistics: Statistics;
  readonly events: EventOutbox;
  readonly clock: ServerClock;
  readonly moments: Moments;
  /** `worker.ambiguous_delay`, in milliseconds. */
  readonly ambiguousDelay: number;
}

/**
 * Ends leases that ran out. Recipients whose end of data may have been sent are tried again after `ambiguous_delay`, and
 * the log says that a copy may have been sent; of those that surely got nothing the try just never was. Any process
 * may do it, several at once, too: each update is conditional on the lease and on its end.
 */
export class AbandonedLeases {
  readonly #parts: AbandonedLeaseParts;

  constructor(parts: AbandonedLeaseParts) {
    this.#parts = parts;
  }

  /** Answers how many leases were ended; up to 500 in one go. */
  async endExpired(): Promise<number> {
    const { messages, clock, statistics } = this.#parts;
    const before = clock.now();
    const found = await messages
      .find({ 'lease.until': { $lte: before } })
      .sort({ 'lease.until': 1 })
      .limit(batch)
      .toArray();
    const ended = await Promise.all(found.map((document) => this.#end(document, before)));
    const count = ended.filter((one) => one).length;
    if (count > 0) await statistics.save();
    return count;
  }

  async #end(document: MessageDocument, before: number): Promise<boolean> {
    const { messages, attempts, statistics, events, moments } = this.#parts;
    const { lease } = document;
    if (lease === undefined) return false;
    const moment = moments.current();
    const { now } = moment;
    const recipients: RecipientRecord[] = document.recipients.map((recipient) => ({ ...recipient }));
    const { uncertain, untouched } = inFlight(recipients, lease);
    for (const recipient of uncertain) {
      recipient.state = 'deferred';
      recipient.attempts += 1;
      recipient.nextAt = now + this.#parts.ambiguousDelay;
      recipient.lastReply = interrupted;
      recipient.ambiguous = true;
    }
    // What makes a worker crash again and again must not be what it does all the time.
    const abandoned = untouched.length === 0 ? 0 : (document.abandoned ?? 0) + 1;
    if (abandoned > 1) for (const recipient of untouched) recipient.nextAt = now + this.#parts.ambiguousDelay;
    honourAll(recipients, document.requested ?? [], now);
    const change: RecordChange = {
      state: derivedState(recipients, { ...moment, leased: false }),
      events: outcomeEvents(document, {
        rev: document.rev + 1,
        before: document.recipients,
        after: recipients,
        at: now,
      }),
      keepLease: false,
      requested: undefined,
      attempts: uncertain.length === 0 ? [] : [attemptOf(document, lease, uncertain, now)],
      ...(abandoned > 0 ? { abandoned } : {}),
    };
    await attempts.keep([{ before: document, added: change.attempts.length }]);
    const { matchedCount } = await messages.updateOne(
      {
        ...placeOf(document._id),
        rev: document.rev,
        'lease.token': lease.token,
        'lease.until': { $lte: before },
        // Told of meanwhile: looked at anew by the next one who comes by.
        ...(lease.sent === undefined ? {} : { 'lease.sent': { $size: lease.sent.length } }),
      },
      updateOf(document, change),
    );
    if (matchedCount === 0) return false;
    events.publish([{ id: document._id, earlier: document.events, events: change.events ?? [] }]);
    statistics.changed(document, document.recipients, change.state.recipients, now);
    return true;
  }
}

/** Recipients that were due when their message was claimed: those that may have got it, and those that did not. */
function inFlight(
  recipients: readonly RecipientRecord[],
  { claimedAt, sent }: LeaseDocument,
): { uncertain: RecipientRecord[]; untouched: RecipientRecord[] } {
  const uncertain: RecipientRecord[] = [];
  const untouched: RecipientRecord[] = [];
  recipients.forEach((recipient, index) => {
    if (isFinal(recipient.state) || recipient.nextAt === null || recipient.nextAt > claimedAt) return;
    if (sent === undefined || sent.includes(index)) uncertain.push(recipient);
    else untouched.push(recipient);
  });
  return { uncertain, untouched };
}

const attemptOf = (
  { _id }: MessageDocument,
  { claimedAt }: LeaseDocument,
  uncertain: readonly RecipientRecord[],
  now: number,
): Attempt => ({
  messageId: _id,
  at: claimedAt,
  upstream: uncertain[0]?.upstream ?? 'unknown',
  host: null,
  phase: 'dot-sent',
  tls: null,
  milliseconds: Math.max(0, now - claimedAt),
  ambiguous: true,
  results: uncertain.map(({ address, state }) => ({ recipient: address, state, reply: interrupted })),
});
