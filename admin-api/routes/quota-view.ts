import { z } from 'zod';
import type { WindowStanding } from '../../core/storage/ports/counters.ts';
import { component } from '../components.ts';
import { idSchema, isoTime, limitSchema, timeSchema } from './fields.ts';

const uncounted = 'null where nothing is counted: without a limit, or while no plugin heeds quotas';
const periodSchema = z.strictObject({
  limit: limitSchema,
  used: z.int().nullable().describe(`Recipients accepted; ${uncounted}`),
  reserved: z.int().nullable().describe('Recipients of transactions under way'),
  left: z.int().nullable().describe('What may still come'),
  resets_at: timeSchema,
});

export const quotaSchema = component(
  'Quota',
  z.strictObject({
    id: idSchema.describe('Of the user or credential'),
    of: z.enum(['user', 'credential']),
    owner_id: idSchema,
    name: z.string().describe('Username of the user, name of the credential'),
    enforced: z.boolean().describe('False while no plugin heeds quotas'),
    hour: periodSchema.describe('This hour of UTC'),
    day: periodSchema.describe('This day, in the time zone of the quotas'),
  }),
);

/** Whose quota it is. */
export interface QuotaSubject {
  readonly of: 'user' | 'credential';
  readonly id: string;
  readonly ownerId: string;
  readonly name: string;
  /** Recipients. */
  readonly limits: { readonly daily: number | null; readonly hourly: number | null };
}

interface Period {
  readonly resetsAt: number;
  readonly standing: WindowStanding | undefined;
}

const periodView = (limit: number | null, { resetsAt, standing }: Period): z.infer<typeof periodSchema> => ({
  limit,
  used: standing?.settled ?? null,
  reserved: standing?.held ?? null,
  left: standing === undefined || limit === null ? null : Math.max(0, limit - standing.settled - standing.held),
  resets_at: isoTime(resetsAt),
});

export const quotaView = (
  { id, of, ownerId, name, limits }: QuotaSubject,
  enforced: boolean,
  hour: Period,
  day: Period,
): z.infer<typeof quotaSchema> => ({
  id,
  of,
  owner_id: ownerId,
  name,
  enforced,
  hour: periodView(limits.hourly, hour),
  day: periodView(limits.daily, day),
});
