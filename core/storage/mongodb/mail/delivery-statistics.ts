import { emptyHistogram } from '../../../domain/latency-histogram.ts';
import type {
  DeliveryStatistics,
  StatisticsAnswer,
  StatisticsFigures,
  StatisticsGrouping,
  StatisticsQuestion,
} from '../../ports/delivery-statistics.ts';
import type { MailStatistics } from '../../ports/mail-log.ts';
import type { MongodbDatabase } from '../client.ts';
import { otherDomains } from './distinct-domains.ts';
import {
  countColumns,
  deliveryColumns,
  latencies,
  StatisticsQuery,
  type SumRow,
  tableOf,
  transactionColumns,
} from './statistics-query.ts';

interface Sums extends StatisticsFigures {
  readonly counts: Record<keyof MailStatistics, number>;
  readonly delivery: number[];
  readonly transactions: number[];
  readonly series: number[];
}

const noSums = (intervals: number): Sums => ({
  counts: Object.fromEntries(countColumns.map((column) => [column, 0])) as Sums['counts'],
  delivery: emptyHistogram(),
  transactions: emptyHistogram(),
  series: new Array<number>(intervals).fill(0),
});

function addCounts({ counts }: Sums, row: SumRow): void {
  for (const column of countColumns) counts[column] += Number(row[column] ?? 0);
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

/** The place of the interval that an hour lies in. */
const placeOf = (boundaries: readonly number[], hour: number): number =>
  boundaries.findLastIndex((boundary) => boundary <= hour);

/** Answers questions about the hourly counters; memory grows with the answer, not with what is counted. */
export const mongodbDeliveryStatistics = (database: MongodbDatabase): DeliveryStatistics => ({
  summarise: (question) =>
    database.ask(async (): Promise<StatisticsAnswer> => {
      const query = new StatisticsQuery(database, question);
      const { groupBy } = question;
      return {
        intervals: await intervalsOf(query, question),
        ...(groupBy === undefined ? { groups: [], others: null } : await groupsOf(query, question, groupBy)),
      };
    }),
});

async function intervalsOf(query: StatisticsQuery, question: StatisticsQuestion): Promise<StatisticsFigures[]> {
  const { boundaries } = question;
  const intervals = boundaries.slice(1).map(() => noSums(0));
  const at = ({ _id }: SumRow): Sums => intervals[placeOf(boundaries, Number(_id))] ?? noSums(0);
  for await (const row of query.hours(tableOf(question))) addCounts(at(row), row);
  if (question.domain === undefined) for await (const row of query.hours(latencies)) addLatencies(at(row), row);
  return intervals.map(figures);
}

async function groupsOf(
  query: StatisticsQuery,
  question: StatisticsQuestion,
  by: StatisticsGrouping,
): Promise<Pick<StatisticsAnswer, 'groups' | 'others'>> {
  const table = tableOf(question, by);
  const { boundaries } = question;
  const length = boundaries.length - 1;
  const top = new Map<string | null, Sums>();
  const rest = noSums(length);
  let groups = 0;
  let hasRest = false;
  for await (const row of query.groups(table, by)) {
    const key = keyOf(row);
    const nameless = by === 'domain' && key === otherDomains;
    const sums = nameless || top.size >= question.top ? rest : noSums(length);
    if (sums === rest) {
      hasRest = true;
      if (!nameless) groups += 1;
    } else {
      top.set(key, sums);
    }
    addCounts(sums, row);
  }
  if (question.domain === undefined && by !== 'domain') {
    for await (const row of query.groups(latencies, by)) addLatencies(top.get(keyOf(row)) ?? rest, row);
  }
  const among = [...top.keys()];
  for (const others of hasRest ? [false, true] : [false]) {
    for await (const { _id, weight } of query.series(table, by, { among, others })) {
      const { series } = others ? rest : (top.get(_id.key) ?? rest);
      const place = placeOf(boundaries, _id.hour);
      series[place] = (series[place] ?? 0) + weight;
    }
  }
  return {
    groups: [...top].map(([key, sums]) => ({ key, ...figures(sums), series: sums.series })),
    others: hasRest ? { groups, ...figures(rest), series: rest.series } : null,
  };
}

const keyOf = ({ _id }: SumRow): string | null => (_id === null ? null : String(_id));
