import type { DatabaseSync } from 'node:sqlite';
import { emptyHistogram } from '../../domain/latency-histogram.ts';
import type {
  StatisticsAnswer,
  StatisticsFigures,
  StatisticsGroup,
  StatisticsGrouping,
  StatisticsQuestion,
} from '../ports/delivery-statistics.ts';
import type { MailStatistics } from '../ports/mail-log.ts';
import { otherDomains } from './distinct-domains.ts';
import { deliveryColumns, statisticsColumns, transactionColumns } from './statistics.ts';
import { latencies, StatisticsQuery, type SumRow, tableOf } from './statistics-query.ts';

interface Sums extends StatisticsFigures {
  readonly counts: Record<keyof MailStatistics, number>;
  readonly delivery: number[];
  readonly transactions: number[];
  readonly series: number[];
}

const noSums = (intervals: number): Sums => ({
  counts: Object.fromEntries(statisticsColumns.map((column) => [column, 0])) as Sums['counts'],
  delivery: emptyHistogram(),
  transactions: emptyHistogram(),
  series: new Array<number>(intervals).fill(0),
});

function addCounts({ counts }: Sums, row: SumRow): void {
  for (const column of statisticsColumns) counts[column] += Number(row[column] ?? 0);
}

function addHistogram(histogram: number[], columns: readonly string[], row: SumRow): void {
  for (const [bucket, column] of columns.entries()) {
    histogram[bucket] = (histogram[bucket] ?? 0) + Number(row[column] ?? 0);
  }
}

function addLatencies({ delivery, transactions }: Sums, row: SumRow): void {
  addHistogram(delivery, deliveryColumns, row);
  addHistogram(transactions, transactionColumns, row);
}

const figures = ({ counts, delivery, transactions }: Sums): StatisticsFigures => ({ counts, delivery, transactions });

/** Answers questions about the hourly counters; memory grows with the answer, not with what is counted. */
export class StatisticsReader {
  readonly #database: DatabaseSync;
  readonly #number: (name: string) => number;

  /** `number` gives the number of an owner, credential or upstream; -1 where there is none. */
  constructor(database: DatabaseSync, number: (name: string) => number) {
    this.#database = database;
    this.#number = number;
  }

  summarise(question: StatisticsQuestion): StatisticsAnswer {
    const query = new StatisticsQuery(this.#database, question, this.#number);
    const { groupBy } = question;
    return {
      intervals: this.#intervals(query, question),
      ...(groupBy === undefined ? { groups: [], others: null } : this.#groups(query, question, groupBy)),
    };
  }

  #intervals(query: StatisticsQuery, question: StatisticsQuestion): StatisticsFigures[] {
    const intervals = question.boundaries.slice(1).map(() => noSums(0));
    const at = ({ key }: SumRow): Sums => intervals[Number(key)] ?? noSums(0);
    for (const row of query.intervals(tableOf(question))) addCounts(at(row), row);
    if (question.domain === undefined) for (const row of query.intervals(latencies)) addLatencies(at(row), row);
    return intervals.map(figures);
  }

  #groups(
    query: StatisticsQuery,
    question: StatisticsQuestion,
    by: StatisticsGrouping,
  ): Pick<StatisticsAnswer, 'groups' | 'others'> {
    const table = tableOf(question, by);
    const length = question.boundaries.length - 1;
    const top = new Map<SumRow['key'], Sums>();
    const rest = noSums(length);
    let groups = 0;
    let hasRest = false;
    for (const row of query.groups(table, by)) {
      const nameless = by === 'domain' && row.key === otherDomains;
      const sums = nameless || top.size >= question.top ? rest : noSums(length);
      if (sums === rest) {
        hasRest = true;
        if (!nameless) groups += 1;
      } else {
        top.set(row.key, sums);
      }
      addCounts(sums, row);
    }
    if (question.domain === undefined && by !== 'domain') {
      for (const row of query.groups(latencies, by)) addLatencies(top.get(row.key) ?? rest, row);
    }
    for (const row of query.series(table, by, [...top.keys()])) {
      (top.get(row.key) ?? rest).series[Number(row.place)] = Number(row.weight);
    }
    return {
      groups: [...top].map(([key, sums]) => ({ key: this.#keyOf(by, key), ...figures(sums), series: sums.series })),
      others: hasRest ? { groups, ...figures(rest), series: rest.series } : null,
    };
  }

  #keyOf(by: StatisticsGrouping, key: SumRow['key']): StatisticsGroup['key'] {
    if (by === 'domain') return String(key);
    const row = this.#database.prepare('SELECT name FROM names WHERE n = ?').get(Number(key));
    return row === undefined ? null : String(row.name);
  }
}
