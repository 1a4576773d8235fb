import { emptyHistogram } from '../../domain/latency-histogram.ts';
import type { StatisticsAnswer, StatisticsFigures } from '../ports/delivery-statistics.ts';
import type { MailStatistics } from '../ports/mail-log.ts';
import { deliveryColumns, statisticsColumns, transactionColumns } from './statistics-columns.ts';

/** Sums by the names of their columns, as a database answers them. */
type Row = Readonly<Record<string, unknown>>;

function addHistogram(histogram: number[], columns: readonly string[], row: Row): void {
  for (const [bucket, column] of columns.entries()) {
    histogram[bucket] = (histogram[bucket] ?? 0) + Number(row[column] ?? 0);
  }
}

/** What rows of an interval or of a group come to. */
export class StatisticsSums {
  readonly #counts = Object.fromEntries(statisticsColumns.map((column) => [column, 0])) as Record<
    keyof MailStatistics,
    number
  >;
  readonly #delivery = emptyHistogram();
  readonly #transactions = emptyHistogram();
  readonly series: number[];

  /** `intervals`: of a group, the length of its series. */
  constructor(intervals = 0) {
    this.series = new Array<number>(intervals).fill(0);
  }

  addCounts(row: Row): void {
    for (const column of statisticsColumns) this.#counts[column] += Number(row[column] ?? 0);
  }

  addLatencies(row: Row): void {
    addHistogram(this.#delivery, deliveryColumns, row);
    addHistogram(this.#transactions, transactionColumns, row);
  }

  get figures(): StatisticsFigures {
    return { counts: this.#counts, delivery: this.#delivery, transactions: this.#transactions };
  }
}

/** The largest groups, each by its key, and what all others come to together. Groups come with the largest first. */
export class GroupSums<K> {
  readonly #most: number;
  readonly #intervals: number;
  readonly #top = new Map<K, StatisticsSums>();
  readonly #rest: StatisticsSums;
  #others = 0;
  #hasRest = false;

  constructor({ most, intervals }: { readonly most: number; readonly intervals: number }) {
    this.#most = most;
    this.#intervals = intervals;
    this.#rest = new StatisticsSums(intervals);
  }

  /** `nameless`: it stands for several, and is among the others whatever its size. */
  addCounts(key: K, row: Row, nameless: boolean): void {
    if (nameless || this.#top.size >= this.#most) {
      this.#hasRest = true;
      if (!nameless) this.#others += 1;
      this.#rest.addCounts(row);
      return;
    }
    const sums = new StatisticsSums(this.#intervals);
    this.#top.set(key, sums);
    sums.addCounts(row);
  }

  /** Of a group; for all that are not among the largest, the others together. */
  of(key: K): StatisticsSums {
    return this.#top.get(key) ?? this.#rest;
  }

  get keys(): K[] {
    return [...this.#top.keys()];
  }

  /** What is not among the largest. */
  get rest(): StatisticsSums | null {
    return this.#hasRest ? this.#rest : null;
  }

  /** `nameOf`: what a group is called in the answer. */
  answer(nameOf: (key: K) => string | null): Pick<StatisticsAnswer, 'groups' | 'others'> {
    const groups = [...this.#top].map(([key, { figures, series }]) => ({ key: nameOf(key), ...figures, series }));
    if (this.rest === null) return { groups, others: null };
    return { groups, others: { groups: this.#others, ...this.rest.figures, series: this.rest.series } };
  }
}
