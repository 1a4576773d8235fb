import type { MessageOrigin, RefusalRecord } from '../../domain/message.ts';

/** Reports of our own; counted as generated, not as accepted, and left out of the statistics. */
export const bounceKind = 2;

/** Smallest kind of the entries that never were mail. */
export const refusedKind = 3;

/** How the origin of a message, or the end of a refused transaction, is stored. */
export const kindOf: Record<MessageOrigin | RefusalRecord['outcome'], number> = {
  smtp: 0,
  submitted: 1,
  bounce: bounceKind,
  refused: refusedKind,
  reset: 4,
  aborted: 5,
};
