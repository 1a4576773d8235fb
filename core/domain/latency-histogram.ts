/**
 * How often something took how long: one count a bucket, the last for what took longer than every bound. Histograms of the
 * same bounds can be added up, so that percentiles of many hours or processes come out of what was counted in each.
 */
export type LatencyHistogram = readonly number[];

/** Upper bounds in milliseconds, from acceptance to the delivery of a recipient: 100 ms … 1 day. */
export const deliveryBounds: readonly number[] = [
  100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 14_400_000, 43_200_000,
  86_400_000,
];

/** Upper bounds in milliseconds, of one transaction with an upstream: 5 ms … 15 min. */
export const transactionBounds: readonly number[] = [
  5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000,
];

/** Buckets of either kind. */
export const latencyBuckets = 16;

export const emptyHistogram = (): number[] => new Array<number>(latencyBuckets).fill(0);

/** Index of the bucket that a span belongs to; a bound belongs to the bucket it ends. */
export function bucketOf(bounds: readonly number[], milliseconds: number): number {
  let bucket = 0;
  while (bucket < bounds.length && milliseconds > (bounds[bucket] ?? 0)) bucket += 1;
  return bucket;
}

export const histogramCount = (histogram: LatencyHistogram): number => histogram.reduce((sum, count) => sum + count, 0);

/**
 * The span in milliseconds that a share (0 … 1) of all stayed within, interpolated inside its bucket; the last bound
 * where it took longer than that. Null where nothing was counted.
 */
export function percentile(histogram: LatencyHistogram, bounds: readonly number[], share: number): number | null {
  const wanted = histogramCount(histogram) * share;
  if (wanted === 0) return null;
  let below = 0;
  for (const [bucket, upper] of bounds.entries()) {
    const count = histogram[bucket] ?? 0;
    if (count > 0 && below + count >= wanted) {
      const lower = bounds[bucket - 1] ?? 0;
      return lower + ((upper - lower) * (wanted - below)) / count;
    }
    below += count;
  }
  return bounds.at(-1) ?? null;
}

/** Histograms of the same bounds, added up. */
export function mergedHistograms(histograms: readonly LatencyHistogram[]): number[] {
  const sums = emptyHistogram();
  for (const histogram of histograms) {
    for (const [bucket, count] of histogram.entries()) sums[bucket] = (sums[bucket] ?? 0) + count;
  }
  return sums;
}
