import { isFinal, type QueueOrder, type RecipientRecord } from '../../domain/message.ts';
import { fits } from '../../domain/recipient-filter.ts';

/** Does to the open recipients what an operator asked for. Answers those that it changed. */
export function honour(recipients: readonly RecipientRecord[], order: QueueOrder, now: number): RecipientRecord[] {
  return recipients.filter(
    (recipient) =>
      !isFinal(recipient.state) &&
      (order.of === undefined || fits(recipient, order.of)) &&
      change(recipient, order, now),
  );
}

/** The same for all that waited. */
export const honourAll = (
  recipients: readonly RecipientRecord[],
  orders: readonly QueueOrder[],
  now: number,
): RecipientRecord[] => orders.flatMap((order) => honour(recipients, order, now));

function makeDue(recipient: RecipientRecord, now: number): true {
  recipient.state = recipient.attempts > 0 ? 'deferred' : 'queued';
  recipient.nextAt = now;
  delete recipient.postponed;
  return true;
}

function change(recipient: RecipientRecord, order: QueueOrder, now: number): boolean {
  switch (order.do) {
    case 'retry':
      return recipient.state !== 'held' && makeDue(recipient, now);
    case 'release':
      return recipient.state === 'held' && makeDue(recipient, now);
    case 'bounce':
      if (recipient.bounceOrdered === true) return false;
      recipient.bounceOrdered = true;
      return makeDue(recipient, now);
    case 'hold':
      if (recipient.state === 'held') return false;
      recipient.state = 'held';
      recipient.nextAt = null;
      break;
    case 'cancel':
      recipient.state = 'cancelled';
      recipient.nextAt = null;
      recipient.finalAt = now;
      recipient.lastReply = 'cancelled by an operator';
      break;
    case 'reroute':
      if (recipient.reroutedTo === order.upstream && recipient.bounceOrdered !== true) return false;
      recipient.reroutedTo = order.upstream;
      recipient.upstream = order.upstream;
      if (recipient.state !== 'held') recipient.nextAt = now;
      break;
  }
  delete recipient.postponed;
  delete recipient.bounceOrdered;
  return true;
}
