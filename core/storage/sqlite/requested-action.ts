import { isFinal, type RecipientRecord, type RequestedAction } from '../../domain/message.ts';

export const parseRequest = (text: string | null): RequestedAction | null =>
  text === null ? null : (JSON.parse(text) as RequestedAction);

/** Does to the open recipients what an operator asked for. Answers whether anything changed. */
export function honour(recipients: readonly RecipientRecord[], action: RequestedAction, now: number): boolean {
  let changed = false;
  for (const recipient of recipients) {
    if (isFinal(recipient.state)) continue;
    if (action.do === 'hold' && recipient.state === 'held') continue;
    changed = true;
    delete recipient.postponed;
    switch (action.do) {
      case 'cancel':
        recipient.state = 'cancelled';
        recipient.nextAt = null;
        recipient.finalAt = now;
        recipient.lastReply = 'cancelled by an operator';
        break;
      case 'hold':
        recipient.state = 'held';
        recipient.nextAt = null;
        break;
      case 'reroute':
        recipient.upstream = action.upstream;
        if (recipient.state !== 'held') recipient.nextAt = now;
        break;
    }
  }
  return changed;
}
