import { z } from 'zod';
import type { Account } from './api-client.ts';

const queue = z.object({ state: z.object({ messages: z.number() }) });
const conservation = z.object({
  accepted: z.number(),
  states: z.record(z.string(), z.number()),
  balanced: z.boolean(),
});

/** How many messages wait, and the first of them for whoever has to find out why. */
export async function waitingMail({ call }: Account): Promise<{ messages: number; shown: string }> {
  const { body } = await call('GET', '/api/queue?limit=3');
  return { messages: queue.parse(body).state.messages, shown: JSON.stringify(body) };
}

/** The sum that has to hold always (ARCHITECTURE.md, first invariant). */
export const conservationOf = async ({ call }: Account): Promise<z.infer<typeof conservation>> =>
  conservation.parse((await call('GET', '/api/system/conservation')).body);
