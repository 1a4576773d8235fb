import type {
  DeliveryStatistics,
  StatisticsAnswer,
  StatisticsFigures,
  StatisticsGrouping,
  StatisticsQuestion,
} from '../../ports/delivery-statistics.ts';
import { GroupSums, StatisticsSums } from '../../rules/statistics-sums.ts';
import type { MongodbDatabase } from '../client.ts';
import { otherDomains } from './distinct-domains.ts';
import { latencies, StatisticsQuery, type SumRow, tableOf } from './statistics-query.ts';

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
  const intervals = boundaries.slice(1).map(() => new StatisticsSums());
  const at = ({ _id }: SumRow) => intervals[placeOf(boundaries, Number(_id))];
  for await (const row of query.hours(tableOf(question))) at(row)?.addCounts(row);
  if (question.domain === undefined) for await (const row of query.hours(latencies)) at(row)?.addLatencies(row);
  return intervals.map(({ figures }) => figures);
}

async function groupsOf(
  query: StatisticsQuery,
  question: StatisticsQuestion,
  by: StatisticsGrouping,
): Promise<Pick<StatisticsAnswer, 'groups' | 'others'>> {
  const table = tableOf(question, by);
  const { boundaries } = question;
  const groups = new GroupSums<string | null>({ most: question.top, intervals: boundaries.length - 1 });
  for await (const row of query.groups(table, by)) {
    const key = keyOf(row);
    groups.addCounts(key, row, by === 'domain' && key === otherDomains);
  }
  if (question.domain === undefined && by !== 'domain') {
    for await (const row of query.groups(latencies, by)) groups.of(keyOf(row)).addLatencies(row);
  }
  const among = groups.keys;
  const { rest } = groups;
  for (const others of rest === null ? [false] : [false, true]) {
    for await (const { _id, weight } of query.series(table, by, { among, others })) {
      const { series } = others && rest !== null ? rest : groups.of(_id.key);
      const place = placeOf(boundaries, _id.hour);
      series[place] = (series[place] ?? 0) + weight;
    }
  }
  return groups.answer((key) => key);
}

const keyOf = ({ _id }: SumRow): string | null => (_id === null ? null : String(_id));
