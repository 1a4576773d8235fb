import type { LatencyHistogram } from '../../domain/latency-histogram.ts';
import type { MailStatistics } from './mail-log.ts';

/** What figures can be told apart by. */
export const statisticsGroupings = ['owner', 'credential', 'domain', 'upstream'] as const;
export type StatisticsGrouping = (typeof statisticsGroupings)[number];

/**
 * Recipient domains that are counted by name, an owner and hour, each once a credential; mail to further ones is
 * counted without its domain.
 */
export const mostDomains = 500;

/** Whose mail is meant; all given ones must hold. Not both `domain` and `upstream`: they are counted apart. */
export interface StatisticsFilter {
  readonly ownerId?: string;
  readonly credentialId?: string;
  /** Domain of a recipient, lower-case A-labels. */
  readonly domain?: string;
  /** Name of the upstream of the last attempt. */
  readonly upstream?: string;
}

export interface StatisticsQuestion extends StatisticsFilter {
  /**
   * Where the intervals begin, ascending, and last where the last one ends: whole UTC hours in milliseconds since the
   * epoch, at least two.
   */
  readonly boundaries: readonly number[];
  /** Not `domain` with a filter by upstream, nor the other way round. */
  readonly groupBy?: StatisticsGrouping;
  /** Most groups to be told apart. */
  readonly top: number;
}

/**
 * Counts in recipients, and how long things took. What is not counted by that filter or group is 0: transactions
 * refused by domain, and by upstream what was accepted or refused; both histograms by domain.
 */
export interface StatisticsFigures {
  readonly counts: MailStatistics;
  /** Recipients sent (delivered, relayed, captured), from acceptance to that, by `deliveryBounds`. */
  readonly delivery: LatencyHistogram;
  /** Transactions with upstreams, however they ended, by `transactionBounds`. */
  readonly transactions: LatencyHistogram;
}

export interface StatisticsGroup extends StatisticsFigures {
  /** An owner's, credential's or upstream's name, or a domain; null for mail without a credential. */
  readonly key: string | null;
  /** What groups are ranked by, an interval: recipients accepted, or by upstream recipients with an outcome there. */
  readonly series: readonly number[];
}

export interface OtherGroups extends StatisticsFigures {
  /** How many; domains that were not counted by name are not among them, though their figures are. */
  readonly groups: number;
  readonly series: readonly number[];
}

export interface StatisticsAnswer {
  /** One an interval, in order, empty ones too. */
  readonly intervals: readonly StatisticsFigures[];
  /** The largest first; empty where no grouping was asked for. */
  readonly groups: readonly StatisticsGroup[];
  /** All groups but those together; null where there are none. */
  readonly others: OtherGroups | null;
}

/**
 * How much mail became what, how fast and where: from counters of UTC hours that are written with what they count, and
 * kept for 400 days. Bounces of our own are not counted. Outcomes belong to the hour in which they came.
 */
export interface DeliveryStatistics {
  summarise(question: StatisticsQuestion): Promise<StatisticsAnswer>;
}
