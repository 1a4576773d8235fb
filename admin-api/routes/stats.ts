import { z } from 'zod';
import type { Clock } from '../../core/domain/clock.ts';
import { longestDomain, normaliseDomain } from '../../core/domain/domain-name.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { Accounts } from '../../core/storage/ports/accounts.ts';
import {
  type DeliveryStatistics,
  type StatisticsFilter,
  type StatisticsGrouping,
  statisticsGroupings,
} from '../../core/storage/ports/delivery-statistics.ts';
import { ownerFilter } from '../auth/visibility.ts';
import { component } from '../components.ts';
import { bind, defineRoute } from '../route.ts';
import { given, idSchema, isoTime, lineSchema, timeSchema } from './fields.ts';
import { statsExample } from './stats-example.ts';
import { byStatus, type Groups, groupSchema, groupsView, othersSchema } from './stats-groups.ts';
import { periodFields, periodOf } from './stats-period.ts';
import { basisOf, figureFields, figuresSchema, figuresView, totalFigures } from './stats-view.ts';
import { upstreamNameSchema } from './upstream-name.ts';

/** Lower-case A-labels inside. */
const domainSchema = lineSchema(longestDomain)
  .refine((text) => text.startsWith('[') || normaliseDomain(text) !== null, 'expected a domain such as example.com')
  .transform((text) => normaliseDomain(text) ?? text.toLowerCase());

const statsSchema = component(
  'Statistics',
  z
    .strictObject({
      from: timeSchema,
      until: timeSchema,
      interval: z.enum(['hour', 'day']),
      time_zone: z.string().describe('Where days begin; hours are those of UTC'),
      group_by: z.enum(['status', ...statisticsGroupings]).nullable(),
      totals: figuresSchema,
      intervals: z.array(z.strictObject({ start: timeSchema, ...figureFields })).describe('Without a gap'),
      groups: z.array(groupSchema).describe('The largest first'),
      others: othersSchema.nullable().describe('All other groups together; null where there are none'),
    })
    .meta({ examples: [statsExample] }),
);

export const getStats = defineRoute({
  id: 'getStats',
  method: 'GET',
  path: '/api/stats',
  tag: 'stats',
  summary: 'How much mail became what, how fast and where: by hour or day, in all and by group',
  description:
    'From counters that are written with what they count and kept for 400 days; bounces made by Sluice are not mail that anybody sent and are not counted. Outcomes belong to the interval in which they came, which may be later than that of the acceptance. At most 400 days, 92 by domain, 31 by hour.',
  security: 'user',
  scope: 'mail:read',
  query: z.strictObject({
    group_by: z
      .enum(['status', ...statisticsGroupings])
      .optional()
      .describe('By what the figures are told apart')
      .meta({ examples: ['domain'] }),
    ...periodFields,
    top: z.coerce.number<number | string>().int().min(1).max(50).default(10).describe('Most groups, but by status'),
    owner_id: z.string().min(1).max(100).optional().describe('For administrators: a user, or `network:` and a name'),
    credential_id: idSchema.optional().describe('Only mail of this SMTP credential'),
    domain: domainSchema
      .optional()
      .describe('Domain of a recipient; not together with upstreams')
      .meta({ examples: ['example.com'] }),
    upstream: upstreamNameSchema.optional().describe('Upstream of the last attempt; not together with domains'),
  }),
  answers: { 200: { description: 'The figures, in recipients', schema: statsSchema } },
  errors: ['FORBIDDEN'],
});

export const statsRoutes = [getStats];

function checkTogether({ domain, upstream }: StatisticsFilter, groupBy: StatisticsGrouping | undefined): void {
  const byDomain = domain !== undefined || groupBy === 'domain';
  if (!byDomain || (upstream === undefined && groupBy !== 'upstream')) return;
  const message = 'domains and upstreams are counted apart: ask for one of them';
  const path = domain === undefined || upstream === undefined ? 'query.group_by' : 'query.upstream';
  throw new SluiceError('REQUEST_INVALID', `${path}: ${message}`, { problems: [{ path, message }] });
}

export function bindStats({
  deliveryStatistics,
  accounts,
  clock,
}: {
  deliveryStatistics: DeliveryStatistics;
  accounts: Accounts;
  clock: Clock;
}) {
  return [
    bind(getStats)(async ({ caller, query }) => {
      const { group_by: wanted, domain, upstream, top } = query;
      const groupBy = wanted === 'status' ? undefined : wanted;
      const filter: StatisticsFilter = {
        ...ownerFilter(caller, query.owner_id),
        ...given({ credentialId: query.credential_id, domain, upstream }),
      };
      checkTogether(filter, groupBy);
      const { boundaries, timeZone } = periodOf(query, clock.now());
      const answer = await deliveryStatistics.summarise({ ...filter, ...given({ groupBy }), boundaries, top });
      const { intervals } = answer;
      const basis = basisOf(filter);
      const none: Groups = { groups: [], others: null };
      const { groups, others } =
        groupBy !== undefined
          ? await groupsView(accounts, answer, filter, groupBy)
          : wanted === 'status'
            ? byStatus(intervals)
            : none;
      return {
        status: 200,
        body: {
          from: isoTime(boundaries[0] ?? 0),
          until: isoTime(boundaries.at(-1) ?? 0),
          interval: query.interval,
          time_zone: timeZone,
          group_by: wanted ?? null,
          totals: figuresView(totalFigures(intervals), basis),
          intervals: intervals.map((one, place) => ({
            start: isoTime(boundaries[place] ?? 0),
            ...figuresView(one, basis),
          })),
          groups,
          others,
        },
      };
    }),
  ];
}
