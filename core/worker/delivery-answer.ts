import type { Delivery, DeliveryJob, RecipientOutcome } from '../domain/delivery.ts';
import { isPermanent, type Reply, reply } from '../domain/reply.ts';
import type { RefusedBy } from '../pipeline/pipeline.ts';
import type { Accept } from '../pipeline/verdict.ts';

const unanswered = reply(451, '4.3.5', 'no plugin sends this mail: is the plugin `delivery` enabled?');
const corrupt = reply(451, '4.3.0', 'corrupt: the stored bytes are not those that were accepted; held, not sent');

/** What a refusal by a `route` or `deliver` hook means. A call that failed may have sent the message, or not. */
export function refusalOutcome(refused: RefusedBy, mayHaveSent: boolean): RecipientOutcome {
  const failed = refused.plugin === 'core';
  if (!failed && isPermanent(refused.reply)) return { do: 'bounced', reply: refused.reply };
  return failed && mayHaveSent
    ? { do: 'deferred', reply: refused.reply, ambiguous: true }
    : { do: 'deferred', reply: refused.reply };
}

const forAll = (job: DeliveryJob, outcome: RecipientOutcome): Delivery => ({
  outcomes: job.recipients.map(() => outcome),
  attempts: [],
  phase: 'connect',
});

/** The delivery that an answer of the `deliver` hook stands for: nobody answering, or failing to, defers. */
export function deliveryOf(
  job: DeliveryJob,
  answer: Accept<Delivery> | RefusedBy | undefined,
  isCorrupt: boolean,
): Delivery {
  const delivery =
    answer === undefined
      ? forAll(job, { do: 'deferred', reply: unanswered })
      : answer.do === 'accept'
        ? answer.value
        : forAll(job, refusalOutcome(answer, true));
  if (!isCorrupt) return delivery;
  return { ...delivery, outcomes: delivery.outcomes.map((outcome) => (isDone(outcome) ? outcome : held)) };
}

const held: RecipientOutcome = { do: 'held', reply: corrupt };
const done = new Set<RecipientOutcome['do']>(['delivered', 'relayed', 'captured', 'discarded']);
/** True where the recipient has the message, or is not to have it: nothing is to be tried again. */
export const isDone = (outcome: RecipientOutcome): boolean => done.has(outcome.do);

/** The delivery of a message whose stored bytes are gone. */
export const corruptDelivery = (job: DeliveryJob): Delivery => forAll(job, held);

/** The delivery of a message that could not be read, or worked on, for reasons of our own. */
export const postponedDelivery = (job: DeliveryJob, why: Reply, until: number): Delivery =>
  forAll(job, { do: 'postponed', reply: why, until });
