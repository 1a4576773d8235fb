import { isFinal, type RecipientRecord } from '../../domain/message.ts';

/** Earliest time at which an open recipient is due; null where none ever is. */
export function earliest(recipients: readonly RecipientRecord[]): number | null {
  let next: number | null = null;
  for (const { state, nextAt } of recipients) {
    if (nextAt !== null && !isFinal(state) && (next === null || nextAt < next)) next = nextAt;
  }
  return next;
}

/** Waits for nothing but a breaker. */
export const isPostponed = ({ postponed, state, nextAt }: RecipientRecord): boolean =>
  postponed === true && nextAt !== null && !isFinal(state);
