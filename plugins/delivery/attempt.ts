import type { RecipientOutcome } from '../../core/domain/delivery.ts';
import type { Attempt, MessageRecord, RecipientState } from '../../core/domain/message.ts';
import { replyLine } from '../../core/domain/reply.ts';

const states: Readonly<Record<RecipientOutcome['do'], RecipientState>> = {
  delivered: 'delivered',
  relayed: 'relayed',
  captured: 'captured',
  discarded: 'discarded',
  deferred: 'deferred',
  postponed: 'deferred',
  bounced: 'bounced',
  held: 'held',
};

/** The log's entry of one try: what is known of it, and the outcome of each recipient (indexes into the record's). */
export function attempt(
  record: MessageRecord,
  recipients: readonly number[],
  outcomes: readonly RecipientOutcome[],
  about: Omit<Attempt, 'messageId' | 'results' | 'ambiguous'>,
): Attempt {
  return {
    ...about,
    messageId: record.id,
    ambiguous: outcomes.some((outcome) => outcome.do === 'deferred' && outcome.ambiguous === true),
    results: outcomes.map((outcome, position) => ({
      recipient: record.recipients[recipients[position] ?? -1]?.address ?? '',
      state: states[outcome.do],
      reply: replyLine(outcome.reply),
    })),
  };
}
