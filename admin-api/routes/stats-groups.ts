import { z } from 'zod';
import type { Accounts } from '../../core/storage/ports/accounts.ts';
import type {
  StatisticsAnswer,
  StatisticsFigures,
  StatisticsFilter,
  StatisticsGrouping,
} from '../../core/storage/ports/delivery-statistics.ts';
import { component } from '../components.ts';
import { basisOf, figuresSchema, figuresView, statuses } from './stats-view.ts';

const count = z.int().min(0);
const rankingFields = {
  count: count.describe(
    'What groups are ranked by: recipients accepted; by upstream those with an outcome there; by status those in it',
  ),
  by_interval: z.array(count).describe('The same, in the order of `intervals`'),
  figures: figuresSchema.nullable().describe('Null by status'),
};

export const groupSchema = component(
  'StatisticsGroup',
  z.strictObject({
    key: z
      .string()
      .nullable()
      .describe('Status, domain, name of an upstream, or id of a credential or owner; null for mail without one'),
    name: z.string().nullable().describe('Name of the credential or user'),
    ...rankingFields,
  }),
);

export const othersSchema = z.strictObject({
  groups: count.describe('How many; domains beyond the 500 of an owner and hour are not told apart'),
  ...rankingFields,
});

/** Groups as they are answered, and all others together. */
export interface Groups {
  readonly groups: z.input<typeof groupSchema>[];
  readonly others: z.input<typeof othersSchema> | null;
}

const sumOf = (series: readonly number[]): number => series.reduce((sum, one) => sum + one, 0);

/** Of those statuses that are counted here, each with its recipients (of `refused`: transactions). */
export function byStatus(intervals: readonly StatisticsFigures[]): Groups {
  const groups = statuses.map((status) => {
    const series = intervals.map(({ counts }) => counts[status]);
    return { key: status, name: null, count: sumOf(series), by_interval: series, figures: null };
  });
  return { groups: groups.filter((one) => one.count > 0).sort((a, b) => b.count - a.count), others: null };
}

/** What people call a credential or an owner. */
async function nameOf(accounts: Accounts, groupBy: StatisticsGrouping, key: string | null): Promise<string | null> {
  if (key === null) return null;
  if (groupBy === 'credential') return (await accounts.credential(key))?.name ?? null;
  return groupBy === 'owner' ? ((await accounts.user(key))?.username ?? null) : null;
}

/** The store's groups with the names that people know. */
export async function groupsView(
  accounts: Accounts,
  { groups, others }: StatisticsAnswer,
  filter: StatisticsFilter,
  groupBy: StatisticsGrouping,
): Promise<Groups> {
  const basis = basisOf(filter, groupBy);
  const ranking = (one: StatisticsFigures & { readonly series: readonly number[] }) => ({
    count: sumOf(one.series),
    by_interval: [...one.series],
    figures: figuresView(one, basis),
  });
  const named = groups.map(async (one) => ({
    key: one.key,
    name: await nameOf(accounts, groupBy, one.key),
    ...ranking(one),
  }));
  return {
    groups: await Promise.all(named),
    others: others === null ? null : { groups: others.groups, ...ranking(others) },
  };
}
