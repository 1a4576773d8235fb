import { z } from 'zod';

/** What may stand under `config:` of this plugin's entry. Every key has a default or is asked for by name when missing. */
export const configSchema = z
  .strictObject({
    phrases: z.array(z.string().min(1)).min(1).describe('A message whose subject holds one of these is refused'),
    action: z.enum(['reject', 'defer']).default('reject').describe('`defer` lets the client try again later'),
  })
  .describe('Refuses messages by phrases in their subject');
