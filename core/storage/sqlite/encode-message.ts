import type { RefusalRecord } from '../../domain/message.ts';
import type { NewMessage } from '../ports/message-store.ts';
import { checkedId } from '../rules/message-id.ts';
import type { MessageItem, RefusalItem } from './protocol.ts';

/** The place of a body that is not in a slab yet. */
export const nowhere = { chunks: 1, offset: 0, length: 0 } as const;

/** A message as the writer takes it; its body is placed when the batch is posted. */
export function encodeMessage({ facts, recipients, body }: NewMessage): MessageItem {
  return {
    kind: 'message',
    id: checkedId(facts.id),
    origin: facts.origin,
    ownerId: facts.ownerId,
    credentialId: facts.credentialId,
    acceptedAt: facts.acceptedAt,
    sender: facts.sender,
    messageId: facts.messageId,
    facts: JSON.stringify(facts),
    recipients: JSON.stringify(recipients),
    body: body.kind === 'inline' ? nowhere : { chunks: body.count, offset: 0, length: -1 },
  };
}

/** `keep` false: only counted. */
export function encodeRefusal(refusal: RefusalRecord, keep: boolean): RefusalItem {
  return {
    kind: 'refusal',
    id: checkedId(refusal.id),
    outcome: refusal.outcome,
    ownerId: refusal.ownerId,
    credentialId: refusal.credentialId,
    at: refusal.at,
    sender: refusal.sender,
    recipients: keep ? refusal.recipients : [],
    record: keep ? JSON.stringify(refusal) : null,
  };
}
