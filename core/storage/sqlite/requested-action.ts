import type { QueueOrder } from '../../domain/message.ts';

/** The orders that wait for a message's worker, in the order they were given. */
export const parseRequests = (text: string | null): readonly QueueOrder[] =>
  text === null ? [] : [JSON.parse(text) as QueueOrder | QueueOrder[]].flat();
