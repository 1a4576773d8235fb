import type { UpdateFilter } from 'mongodb';
import type { Attempt } from '../../../domain/message.ts';
import type { AuditDocument } from '../audit-outbox.ts';
import type { PendingEvent } from '../events/event-documents.ts';
import { recentAfter } from './attempts.ts';
import type { DerivedState, MessageDocument, OutgoingMessage } from './message-documents.ts';

/** Optional fields that follow from the states: those that do not follow now are taken away. */
const derivedFields = ['open', 'queueAt', 'due', 'lane', 'postponedBy', 'finalDay'] as const;

/** What is to stand in a record besides the states of its recipients; what is not given stays. */
export interface RecordChange {
  readonly state: DerivedState;
  /** False: the lease ends. */
  readonly keepLease: boolean;
  readonly requested: MessageDocument['requested'];
  readonly settled?: readonly string[];
  readonly abandoned?: number;
  readonly attempts: readonly Attempt[];
  readonly events?: readonly PendingEvent[];
  readonly outgoing?: readonly OutgoingMessage[];
  readonly audit?: AuditDocument | undefined;
}

/** Adds an array's worth to a record. */
const pushed = (field: string, values: readonly unknown[]): object =>
  values.length === 0 ? {} : { [field]: { $each: values } };

/** The update that makes a change, to be conditional on `rev`. */
export function updateOf(before: MessageDocument, change: RecordChange): UpdateFilter<MessageDocument> {
  const { state, requested, keepLease, attempts } = change;
  const gone: Record<string, 1> = {};
  for (const field of derivedFields) if (state[field] === undefined && before[field] !== undefined) gone[field] = 1;
  if (!keepLease && before.lease !== undefined) gone.lease = 1;
  if (!keepLease && before.dispatchedAt !== undefined) gone.dispatchedAt = 1;
  if (requested === undefined && before.requested !== undefined) gone.requested = 1;
  if (change.abandoned === undefined && before.abandoned !== undefined) gone.abandoned = 1;
  const push = {
    ...pushed('generated', change.outgoing ?? []),
    ...pushed('events', change.events ?? []),
    ...pushed('outbox', change.audit === undefined ? [] : [change.audit]),
  };
  return {
    $set: {
      ...state,
      ...(requested === undefined ? {} : { requested }),
      ...(change.settled === undefined ? {} : { settled: change.settled }),
      ...(change.abandoned === undefined ? {} : { abandoned: change.abandoned }),
      ...(attempts.length === 0
        ? {}
        : { recent: recentAfter(before, attempts), attempts: before.attempts + attempts.length }),
    },
    ...(Object.keys(gone).length === 0 ? {} : { $unset: gone }),
    ...(Object.keys(push).length === 0 ? {} : { $push: push }),
    $inc: { rev: 1 },
  } as UpdateFilter<MessageDocument>;
}

/** What stands in the record after it, as far as the next change has to know. */
export function changed(before: MessageDocument, change: RecordChange): MessageDocument {
  const { open, queueAt, due, lane, postponedBy, finalDay, lease, requested, abandoned, events, ...kept } = before;
  return {
    ...kept,
    ...change.state,
    rev: before.rev + 1,
    ...(change.keepLease && lease !== undefined ? { lease } : {}),
    ...(change.requested === undefined ? {} : { requested: change.requested }),
    ...(change.settled === undefined ? {} : { settled: change.settled }),
    ...(change.abandoned === undefined ? {} : { abandoned: change.abandoned }),
    recent: recentAfter(before, change.attempts),
    attempts: before.attempts + change.attempts.length,
  };
}
