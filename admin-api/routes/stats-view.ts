import { z } from 'zod';
import {
  deliveryBounds,
  histogramCount,
  type LatencyHistogram,
  mergedHistograms,
  percentile,
  transactionBounds,
} from '../../core/domain/latency-histogram.ts';
import type {
  StatisticsFigures,
  StatisticsFilter,
  StatisticsGrouping,
} from '../../core/storage/ports/delivery-statistics.ts';
import { component } from '../components.ts';

const count = z.int().min(0);
const milliseconds = z.int().min(0);

const latencySchema = component(
  'Latency',
  z
    .strictObject({
      count: count.describe('How many were measured'),
      p50: milliseconds,
      p90: milliseconds,
      p95: milliseconds,
      p99: milliseconds,
    })
    .describe('Percentiles in milliseconds, interpolated in buckets'),
);

const outcomes = ['delivered', 'relayed', 'captured', 'discarded', 'bounced', 'expired', 'cancelled'] as const;
export const statuses = [...outcomes, 'deferred', 'refused'] as const;
export type Status = (typeof statuses)[number];

export const figureFields = {
  accepted: count.nullable().describe('Recipients taken responsibility for; null by upstream, where none are'),
  sent: count.describe('delivered + relayed + captured'),
  failed: count.describe('bounced + expired'),
  by_status: z.strictObject({
    delivered: count.describe('Handed over to the recipient’s own server'),
    relayed: count.describe('Handed over to a relay that reports no delivery'),
    captured: count.describe('Kept in the capture box'),
    discarded: count,
    bounced: count,
    expired: count,
    cancelled: count,
    deferred: count.describe('Attempts that ended in "later"'),
    refused: count.nullable().describe('Transactions refused; null by domain and upstream, where they are not counted'),
  }),
  latency: z.strictObject({
    delivery: latencySchema.nullable().describe('From acceptance until sent; null where nothing was, and by domain'),
    transaction: latencySchema.nullable().describe('Transactions with upstreams, however they ended; null likewise'),
  }),
};
export const figuresSchema = component('DeliveryFigures', z.strictObject(figureFields));
export type FiguresView = z.infer<typeof figuresSchema>;

/** What figures were counted by: not everything is counted by everything. */
export function basisOf(filter: StatisticsFilter, groupBy?: StatisticsGrouping): 'mail' | 'domain' | 'upstream' {
  if (filter.domain !== undefined || groupBy === 'domain') return 'domain';
  return filter.upstream !== undefined || groupBy === 'upstream' ? 'upstream' : 'mail';
}

function latencyView(histogram: LatencyHistogram, bounds: readonly number[]): z.infer<typeof latencySchema> | null {
  if (histogramCount(histogram) === 0) return null;
  const at = (share: number): number => Math.round(percentile(histogram, bounds, share) ?? 0);
  return { count: histogramCount(histogram), p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99) };
}

export function figuresView(figures: StatisticsFigures, basis: ReturnType<typeof basisOf>): FiguresView {
  const { accepted, refused, ...others } = figures.counts;
  return {
    accepted: basis === 'upstream' ? null : accepted,
    sent: others.delivered + others.relayed + others.captured,
    failed: others.bounced + others.expired,
    by_status: { ...others, refused: basis === 'mail' ? refused : null },
    latency: {
      delivery: latencyView(figures.delivery, deliveryBounds),
      transaction: latencyView(figures.transactions, transactionBounds),
    },
  };
}

/** All intervals together. */
export function totalFigures(intervals: readonly StatisticsFigures[]): StatisticsFigures {
  const counts = { accepted: 0, ...Object.fromEntries(statuses.map((status) => [status, 0])) } as Record<
    keyof StatisticsFigures['counts'],
    number
  >;
  for (const interval of intervals) {
    for (const name of ['accepted', ...statuses] as const) counts[name] += interval.counts[name];
  }
  return {
    counts,
    delivery: mergedHistograms(intervals.map(({ delivery }) => delivery)),
    transactions: mergedHistograms(intervals.map(({ transactions }) => transactions)),
  };
}
