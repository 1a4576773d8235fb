import { latencyBuckets } from '../../domain/latency-histogram.ts';
import { finalStates } from '../../domain/message.ts';

/** What is counted of mail, by the names of the sums in every database. */
export const statisticsColumns = ['accepted', ...finalStates, 'deferred', 'refused'] as const;

export const deliveryColumn = (bucket: number): string => `w${bucket}`;
export const transactionColumn = (bucket: number): string => `t${bucket}`;

const buckets = Array.from({ length: latencyBuckets }, (_, bucket) => bucket);
/** How long deliveries took, a sum a bucket. */
export const deliveryColumns = buckets.map(deliveryColumn);
/** How long transactions with upstreams took. */
export const transactionColumns = buckets.map(transactionColumn);
