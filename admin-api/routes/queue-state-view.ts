import { z } from 'zod';
import type { QueueState } from '../../core/storage/ports/mail-log.ts';
import { component } from '../components.ts';
import { isoTimeOrNull, timeSchema } from './fields.ts';

export const queueStateSchema = component(
  'QueueState',
  z.strictObject({
    messages: z.int().describe('Open messages'),
    queued: z.int().describe('Recipients never tried'),
    deferred: z.int(),
    held: z.int(),
    leased: z.int().describe('Messages that a worker is at'),
    oldest: timeSchema.nullable().describe('When the oldest open message was accepted'),
  }),
);

export const queueStateView = (state: QueueState): z.infer<typeof queueStateSchema> => ({
  messages: state.messages,
  queued: state.queued,
  deferred: state.deferred,
  held: state.held,
  leased: state.leased,
  oldest: isoTimeOrNull(state.oldest),
});
