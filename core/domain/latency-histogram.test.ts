import { expect, it } from 'vitest';
import {
  bucketOf,
  deliveryBounds,
  emptyHistogram,
  histogramCount,
  latencyBuckets,
  mergedHistograms,
  percentile,
  transactionBounds,
} from './latency-histogram.ts';

it.each([['delivery', deliveryBounds] as const, ['transaction', transactionBounds] as const])(
  'has a bucket for every span of a %s, one more than bounds',
  (_, bounds) => {
    expect(bounds).toEqual([...bounds].sort((a, b) => a - b));
    expect(bounds).toHaveLength(latencyBuckets - 1);
    expect(bucketOf(bounds, 0)).toBe(0);
    for (const [bucket, bound] of bounds.entries()) {
      expect(bucketOf(bounds, bound)).toBe(bucket);
      expect(bucketOf(bounds, bound + 1)).toBe(bucket + 1);
    }
    expect(bucketOf(bounds, Number.MAX_SAFE_INTEGER)).toBe(latencyBuckets - 1);
  },
);

const histogramOf = (...spans: number[]): number[] => {
  const histogram = emptyHistogram();
  for (const span of spans) {
    const bucket = bucketOf(deliveryBounds, span);
    histogram[bucket] = (histogram[bucket] ?? 0) + 1;
  }
  return histogram;
};

it('interpolates inside a bucket', () => {
  const histogram = histogramOf(150, 150, 150, 150, 3_000, 3_000);
  expect(histogramCount(histogram)).toBe(6);
  expect(percentile(histogram, deliveryBounds, 0.5)).toBe(175);
  expect(percentile(histogram, deliveryBounds, 4 / 6)).toBe(200);
  expect(percentile(histogram, deliveryBounds, 5 / 6)).toBeCloseTo(3_500);
  expect(percentile(histogram, deliveryBounds, 1)).toBe(5_000);
});

it('is never off by more than the bucket that holds the true value', () => {
  const spans = Array.from({ length: 1_000 }, (_, n) => (n * n * 7) % 90_000);
  const sorted = spans.toSorted((a, b) => a - b);
  for (const share of [0.5, 0.9, 0.95, 0.99]) {
    const exact = sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
    const told = percentile(histogramOf(...spans), deliveryBounds, share) ?? 0;
    expect(bucketOf(deliveryBounds, told)).toBe(bucketOf(deliveryBounds, exact));
  }
});

it('says the last bound of what took longer, and nothing of nothing', () => {
  expect(percentile(histogramOf(90_000_000), deliveryBounds, 0.5)).toBe(86_400_000);
  expect(percentile(emptyHistogram(), deliveryBounds, 0.5)).toBeNull();
});

it('adds histograms up to that of all spans', () => {
  expect(mergedHistograms([histogramOf(150, 3_000), histogramOf(90_000_000), histogramOf(160)])).toEqual(
    histogramOf(150, 160, 3_000, 90_000_000),
  );
  expect(mergedHistograms([])).toEqual(emptyHistogram());
});
