import type { MailEvent, MailEventType } from '../../../domain/event.ts';
import type { RecipientRecord, RefusalRecord } from '../../../domain/message.ts';
import { outcomesOf } from '../../rules/outcome-events.ts';
import { type PendingEvent, pendingEvent } from '../events/event-documents.ts';
import type { MessageDocument } from './message-documents.ts';

type Subject = Pick<MessageDocument, '_id' | 'owner' | 'credential' | 'origin' | 'sender' | 'messageId'>;

/** A change of one record is made once: its number keeps the events of each apart. */
const keyOf = (id: string, rev: number, n: number): string => `${id}.${rev}.${n}`;

const eventOf = (
  { _id, owner, credential, sender, messageId }: Subject,
  type: MailEventType,
  { at, ...outcome }: Pick<MailEvent, 'at' | 'recipients' | 'upstream' | 'reply'>,
): Omit<MailEvent, 'id'> => ({
  type,
  at,
  ownerId: owner,
  credentialId: credential,
  entryId: _id,
  messageId,
  sender,
  ...outcome,
});

/** What a change of a message's recipients gives to tell; `rev` is what the record has after it. */
export function outcomeEvents(
  message: Subject,
  change: {
    readonly rev: number;
    readonly before: readonly RecipientRecord[];
    readonly after: readonly RecipientRecord[];
    readonly at: number;
  },
): PendingEvent[] {
  if (message.origin === 'bounce') return [];
  return outcomesOf(change.before, change.after).map(({ type, ...outcome }, n) =>
    pendingEvent(keyOf(message._id, change.rev, n), eventOf(message, type, { at: change.at, ...outcome })),
  );
}

/** What an accepted message gives to tell, and what a plugin made of it from the start. */
export function acceptanceEvents(message: Subject, recipients: readonly RecipientRecord[], at: number): PendingEvent[] {
  if (message.origin === 'bounce') return [];
  const addresses = recipients.map(({ address }) => address);
  const accepted = eventOf(message, 'accepted', { at, recipients: addresses, upstream: null, reply: null });
  return [
    pendingEvent(keyOf(message._id, -1, 0), accepted),
    ...outcomeEvents(message, { rev: 0, before: [], after: recipients, at }),
  ];
}

/** What a refused transaction gives to tell. */
export function refusalEvents(refusal: RefusalRecord): PendingEvent[] {
  if (refusal.outcome !== 'refused') return [];
  const event: Omit<MailEvent, 'id'> = {
    type: 'rejected',
    at: refusal.at,
    ownerId: refusal.ownerId,
    credentialId: refusal.credentialId,
    entryId: refusal.id,
    messageId: null,
    sender: refusal.sender,
    recipients: refusal.recipients,
    upstream: null,
    reply: refusal.reply,
  };
  return [pendingEvent(keyOf(refusal.id, 0, 0), event)];
}
