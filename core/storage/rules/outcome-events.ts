import type { MailEventType } from '../../domain/event.ts';
import { isFinal, type RecipientRecord } from '../../domain/message.ts';

/** What has to be remembered of a recipient to know later whether there is something to tell of. */
export type OutcomeMark = Pick<RecipientRecord, 'state' | 'attempts'>;
export const outcomeMark = ({ state, attempts }: RecipientRecord): OutcomeMark => ({ state, attempts });

/** An event about some recipients of a message. */
export interface Outcome {
  readonly type: MailEventType;
  readonly recipients: string[];
  readonly upstream: string | null;
  readonly reply: string | null;
}

/** Final states, holding, and tries that ended in "later"; a breaker's holding back is nobody's business. */
function typeOf(before: OutcomeMark | undefined, { state, attempts }: RecipientRecord): MailEventType | null {
  if (state === 'queued') return null;
  if (state === 'deferred') return attempts > (before?.attempts ?? 0) ? state : null;
  if (state === 'held' || isFinal(state)) return before?.state === state ? null : state;
  return null;
}

/** What a change of a message's recipients gives to tell; those with the same outcome share an event. */
export function outcomesOf(before: readonly OutcomeMark[], after: readonly RecipientRecord[]): readonly Outcome[] {
  const outcomes: Outcome[] = [];
  after.forEach((recipient, index) => {
    const type = typeOf(before[index], recipient);
    if (type === null) return;
    const { address, upstream, lastReply: reply } = recipient;
    const same = outcomes.find((one) => one.type === type && one.upstream === upstream && one.reply === reply);
    if (same === undefined) outcomes.push({ type, recipients: [address], upstream, reply });
    else same.recipients.push(address);
  });
  return outcomes;
}
