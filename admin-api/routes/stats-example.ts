const figures = {
  accepted: 1_204,
  sent: 1_190,
  failed: 9,
  by_status: {
    delivered: 0,
    relayed: 1_190,
    captured: 0,
    discarded: 0,
    bounced: 9,
    expired: 0,
    cancelled: 0,
    deferred: 31,
    refused: 3,
  },
  latency: {
    delivery: { count: 1_190, p50: 71, p90: 184, p95: 420, p99: 61_300 },
    transaction: { count: 1_231, p50: 38, p90: 89, p95: 96, p99: 480 },
  },
};

/** A day by upstream, as the document shows it. */
export const statsExample = {
  from: '2026-11-22T00:00:00.000Z',
  until: '2026-11-23T00:00:00.000Z',
  interval: 'day',
  time_zone: 'UTC',
  group_by: 'upstream',
  totals: figures,
  intervals: [{ start: '2026-11-22T00:00:00.000Z', ...figures }],
  groups: [
    {
      key: 'default',
      name: null,
      count: 1_230,
      by_interval: [1_230],
      figures: { ...figures, accepted: null, by_status: { ...figures.by_status, refused: null } },
    },
  ],
  others: null,
} as const;
