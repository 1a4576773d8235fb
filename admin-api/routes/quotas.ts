import { z } from 'zod';
import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { Accounts, SmtpCredential, User } from '../../core/storage/ports/accounts.ts';
import type { CounterReader, CounterWindow } from '../../core/storage/ports/counters.ts';
import { maySee, ownerFilter } from '../auth/visibility.ts';
import { component } from '../components.ts';
import { bind, type Caller, defineRoute } from '../route.ts';
import { given, idParams, idSchema, pageFields, pageOf, searchSchema } from './fields.ts';
import { type QuotaSubject, quotaSchema, quotaView } from './quota-view.ts';
import { staged, stageOf } from './staged-cursor.ts';

export const listQuotas = defineRoute({
  id: 'listQuotas',
  method: 'GET',
  path: '/api/quotas',
  tag: 'quotas',
  summary: 'What users and SMTP credentials may still send, now',
  description:
    'Users first, then credentials, each by age. A credential is bound by its owner’s quota as well as its own.',
  security: 'user',
  scope: 'credentials:read',
  query: z.strictObject({
    ...pageFields,
    of: z.enum(['user', 'credential']).optional().describe('Default: both'),
    owner_id: idSchema.optional().describe('For administrators'),
    search: searchSchema.describe('Part of the name'),
  }),
  answers: { 200: { description: 'A page', schema: component('QuotaPage', pageOf(quotaSchema)) } },
  errors: ['FORBIDDEN'],
});

export const getQuota = defineRoute({
  id: 'getQuota',
  method: 'GET',
  path: '/api/quotas/{id}',
  tag: 'quotas',
  summary: 'What one user or SMTP credential may still send, now',
  security: 'user',
  scope: 'credentials:read',
  params: idParams,
  answers: { 200: { description: 'The quota', schema: quotaSchema } },
  errors: ['NOT_FOUND'],
});

export const quotaRoutes = [listQuotas, getQuota];

/** An hour or a day of somebody's quota. */
export interface QuotaPeriod {
  /** Null where there is no limit, or nothing enforces it: then nothing is counted. */
  readonly window: CounterWindow | null;
  /** When it begins anew, milliseconds since the epoch. */
  readonly resetsAt: number;
}

/** Where recipients are counted. */
export interface QuotaWindows {
  /** False while no plugin heeds quotas. */
  readonly enforced: () => boolean;
  /** The windows that hold `now`. `account` and `owner` as in `CounterWindow`; limits in recipients. */
  of(
    whose: { readonly account: string; readonly owner: string },
    limits: { readonly daily: number | null; readonly hourly: number | null },
    now: number,
  ): { readonly hour: QuotaPeriod; readonly day: QuotaPeriod };
}

export interface QuotaServices {
  readonly accounts: Pick<Accounts, 'user' | 'credential' | 'listUsers' | 'listCredentials'>;
  readonly counters: CounterReader;
  readonly quotaWindows: QuotaWindows;
  readonly clock: Clock;
}

const ofUser = (user: User): QuotaSubject => ({
  of: 'user',
  id: user.id,
  ownerId: user.id,
  name: user.username,
  limits: { daily: user.dailyQuota, hourly: user.hourlyQuota },
});
const ofCredential = (credential: SmtpCredential): QuotaSubject => ({
  of: 'credential',
  id: credential.id,
  ownerId: credential.ownerId,
  name: credential.name,
  limits: { daily: credential.dailyQuota, hourly: credential.hourlyQuota },
});

interface Asked {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly of?: 'user' | 'credential' | undefined;
  readonly search?: string | undefined;
}

export function bindQuotas({ accounts, counters, quotaWindows, clock }: QuotaServices) {
  const view = async (subject: QuotaSubject, now: number) => {
    const whose = { account: subject.ownerId, owner: `${subject.of}:${subject.id}` };
    const { hour, day } = quotaWindows.of(whose, subject.limits, now);
    const windows = [hour, day].flatMap(({ window }) => window ?? []);
    const standings = await counters.standing(windows);
    const standing = ({ window }: QuotaPeriod) => (window === null ? undefined : standings[windows.indexOf(window)]);
    return quotaView(
      subject,
      quotaWindows.enforced(),
      { ...hour, standing: standing(hour) },
      { ...day, standing: standing(day) },
    );
  };

  const users = async (ownerId: string | undefined, { search, limit }: Asked, after: string | undefined) => {
    if (ownerId === undefined) return accounts.listUsers({ limit, living: true, ...given({ search, after }) });
    const user = await accounts.user(ownerId);
    const found = user !== null && user.deletedAt === null && (search === undefined || has(user.username, search));
    return { items: found ? [user] : [], next: null };
  };

  /** Users, then credentials, as far as the page has room. */
  const page = async (ownerId: string | undefined, asked: Asked) => {
    const { stage, after } = stageOf(['users', 'credentials'], asked.cursor);
    const subjects: QuotaSubject[] = [];
    if (stage === 'users' && asked.of !== 'credential') {
      const found = await users(ownerId, asked, after);
      subjects.push(...found.items.map(ofUser));
      if (found.next !== null) return { subjects, next: staged('users', found.next) };
      if (asked.of !== 'user' && subjects.length >= asked.limit) return { subjects, next: staged('credentials', '') };
    }
    if (asked.of === 'user') return { subjects, next: null };
    const from = stage === 'credentials' && after !== '' ? after : undefined;
    const found = await accounts.listCredentials({
      limit: asked.limit - subjects.length,
      living: true,
      ...given({ ownerId, search: asked.search, after: from }),
    });
    subjects.push(...found.items.map(ofCredential));
    return { subjects, next: found.next === null ? null : staged('credentials', found.next) };
  };

  /** Another's is not there, as far as a user can tell. */
  const visible = async (caller: Caller, id: string): Promise<QuotaSubject> => {
    const credential = await accounts.credential(id);
    if (credential !== null && credential.deletedAt === null && maySee(caller, credential.ownerId)) {
      return ofCredential(credential);
    }
    const user = await accounts.user(id);
    if (user !== null && user.deletedAt === null && maySee(caller, id)) return ofUser(user);
    throw new SluiceError('NOT_FOUND', 'there is no such user or SMTP credential');
  };

  return [
    bind(listQuotas)(async ({ caller, query }) => {
      const { ownerId } = ownerFilter(caller, query.owner_id);
      const { subjects, next } = await page(ownerId, query);
      const now = clock.now();
      return { status: 200, body: { items: await Promise.all(subjects.map((one) => view(one, now))), next } };
    }),

    bind(getQuota)(async ({ caller, params }) => ({
      status: 200,
      body: await view(await visible(caller, params.id), clock.now()),
    })),
  ];
}

const has = (name: string, search: string): boolean => name.toLowerCase().includes(search.toLowerCase());
