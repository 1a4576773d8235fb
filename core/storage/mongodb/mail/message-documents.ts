import type { Attempt, MessageFacts, QueueOrder, RecipientRecord, RefusalRecord } from '../../../domain/message.ts';
import { chunkSize, type NewMessage } from '../../ports/message-store.ts';
import { earliest, isPostponed } from '../../rules/due-time.ts';
import { countStates, openCount, tallyText } from '../../rules/tally.ts';
import type { AuditDocument } from '../audit-outbox.ts';
import type { PendingEvent } from '../events/event-documents.ts';
import { acceptanceEvents, refusalEvents } from './message-events.ts';
import type { Moment } from './moments.ts';
import { messageTerms, refusalTerms } from './search-terms.ts';
import { slotOf } from './slot.ts';

/** A worker's right to a message. Times in milliseconds, by the clock of the server but for `claimedAt`. */
export interface LeaseDocument {
  readonly token: string;
  /** Token of the round of updates in which it was claimed. */
  readonly claim: string;
  readonly worker: string;
  /** By the clock of the claiming worker, as the due times of the recipients are. */
  readonly claimedAt: number;
  readonly until: number;
  /** Recipients whose end of data was about to be sent; absent where the worker does not tell. */
  readonly sent?: readonly number[];
}

/** A report that a settlement brought forth, on its way from the record of its message to a record of its own. */
export interface OutgoingMessage {
  readonly id: string;
  readonly record: MessageDocument;
}

/** What follows from the states of the recipients; written with every change of them. */
export interface DerivedState {
  readonly recipients: readonly RecipientRecord[];
  /** Recipients by state, `queued:2,bounced:1`: sums need not look at each. */
  readonly tally: string;
  /** Each state once, for searches. */
  readonly states: readonly string[];
  /** Absent once every recipient is final. */
  readonly open?: true;
  /** Place in the queue: when it is due next, leased or not; the largest number where it is held. */
  readonly queueAt?: number;
  /** When it may be claimed; absent while it is leased, held or final. */
  readonly due?: number;
  readonly lane?: 'fresh' | 'retry';
  /** Upstream whose breaker holds it back. */
  readonly postponedBy?: string;
  /** Day since the epoch (UTC) on which the last recipient became final. */
  readonly finalDay?: number;
  /** When the body of captured mail may go. */
  readonly purgeAt?: number;
}

/** A message. What never changes is one JSON text, so that notes may have any keys and nothing is encoded twice. */
export interface MessageDocument extends DerivedState {
  readonly _id: string;
  readonly slot: number;
  readonly kind: 'message';
  /** Token of the call that stored it: tells a repeated insert from another message of the same id. */
  readonly commit: string;
  /** Counts the changes; each is conditional on the one it was made from. */
  readonly rev: number;
  /** `acceptedAt`. */
  readonly at: number;
  readonly origin: MessageFacts['origin'];
  readonly owner: string;
  readonly credential: string | null;
  readonly sender: string;
  readonly messageId: string | null;
  readonly terms: readonly string[];
  /** Recipients accepted. */
  readonly units: number;
  /** Octets of the body, and its pieces. */
  readonly size: number;
  readonly chunks: number;
  readonly facts: string;
  /** How often it was claimed. */
  readonly claims: number;
  readonly lease?: LeaseDocument;
  /** Tokens of the settlements of the last claim. */
  readonly settled?: readonly string[];
  /** Leases in a row that ended without a settlement, though nothing can have been sent. */
  readonly abandoned?: number;
  readonly requested?: readonly QueueOrder[];
  /** When a wake-up was sent for the try that is due. */
  readonly dispatchedAt?: number;
  /** Token of the look that led to it. */
  readonly dispatchedBy?: string;
  /** The latest attempts; `attempts` tells how many there were, older ones are in the collection `attempts`. */
  readonly recent: readonly Attempt[];
  readonly attempts: number;
  readonly generated?: readonly OutgoingMessage[];
  /** What happened, until it is published. */
  readonly events?: readonly PendingEvent[];
  /** Entries for the audit log (docs/decisions/0008). */
  readonly outbox?: readonly AuditDocument[];
}

/** A refused, reset or aborted transaction, among the messages because the log lists both by time. */
export interface RefusalDocument {
  readonly _id: string;
  readonly slot: number;
  readonly kind: 'refusal';
  readonly commit: string;
  readonly outcome: RefusalRecord['outcome'];
  readonly at: number;
  readonly owner: string | null;
  readonly credential: string | null;
  readonly states: readonly string[];
  readonly terms: readonly string[];
  readonly record: string;
  readonly events?: readonly PendingEvent[];
}

/** Stands where the record of a given-up body would, so that it cannot come any more. */
export interface TombstoneDocument {
  readonly _id: string;
  readonly slot: number;
  readonly kind: 'tombstone';
  /** For the index of what never was mail. */
  readonly outcome: 'given-up';
  readonly buriedAt: number;
}

const heldLast = Number.MAX_SAFE_INTEGER;

/** What follows from these states, for a message that nobody holds (or, `leased`, somebody goes on holding). */
export function derivedState(
  recipients: readonly RecipientRecord[],
  { leased, today, capturedUntil }: Moment & { readonly leased: boolean },
): DerivedState {
  const counts = countStates(recipients);
  const states = [...new Set(recipients.map(({ state }) => state))];
  const common = { recipients, tally: tallyText(counts), states };
  if (openCount(counts) === 0) {
    return { ...common, finalDay: today, ...(counts.captured > 0 ? { purgeAt: capturedUntil } : {}) };
  }
  const due = earliest(recipients);
  const postponedBy = recipients.find(isPostponed)?.upstream;
  return {
    ...common,
    open: true,
    queueAt: due ?? heldLast,
    ...(due === null || leased ? {} : { due, lane: laneOf(recipients) }),
    ...(postponedBy == null ? {} : { postponedBy }),
  };
}

/** Mail that was never tried has places of its own, so that a backlog does not keep it waiting. */
const laneOf = (recipients: readonly RecipientRecord[]): 'fresh' | 'retry' =>
  recipients.some(({ state, attempts }) => state === 'queued' && attempts === 0) ? 'fresh' : 'retry';

/** The record of a message that is about to be committed. */
export function messageDocument(message: NewMessage, commit: string, moment: Moment): MessageDocument {
  const { facts, recipients, body } = message;
  const state = derivedState(recipients, { ...moment, leased: false });
  const subject = {
    _id: facts.id,
    origin: facts.origin,
    owner: facts.ownerId,
    credential: facts.credentialId,
    sender: facts.sender,
    messageId: facts.messageId,
  };
  const events = acceptanceEvents(subject, recipients, moment.now);
  return {
    ...subject,
    slot: slotOf(facts.id),
    kind: 'message',
    commit,
    rev: 0,
    at: facts.acceptedAt,
    terms: messageTerms(facts, recipients),
    units: recipients.length,
    size: facts.size,
    chunks: body.kind === 'chunks' ? body.count : Math.max(1, Math.ceil(body.bytes.length / chunkSize)),
    facts: JSON.stringify(facts),
    claims: 0,
    recent: [],
    attempts: 0,
    ...state,
    ...(events.length === 0 ? {} : { events }),
    // Its commit is followed by a wake-up of its own.
    ...(state.due !== undefined && state.due <= moment.now ? { dispatchedAt: moment.now } : {}),
  };
}

export function refusalDocument(refusal: RefusalRecord, commit: string): RefusalDocument {
  const events = refusalEvents(refusal);
  return {
    _id: refusal.id,
    slot: slotOf(refusal.id),
    kind: 'refusal',
    commit,
    outcome: refusal.outcome,
    at: refusal.at,
    owner: refusal.ownerId,
    credential: refusal.credentialId,
    states: [refusal.outcome],
    terms: refusalTerms(refusal),
    record: JSON.stringify(refusal),
    ...(events.length === 0 ? {} : { events }),
  };
}
