import type { DatabaseSync } from 'node:sqlite';
import type {
  StatisticsAnswer,
  StatisticsFigures,
  StatisticsGroup,
  StatisticsGrouping,
  StatisticsQuestion,
} from '../ports/delivery-statistics.ts';
import { GroupSums, StatisticsSums } from '../rules/statistics-sums.ts';
import { otherDomains } from './distinct-domains.ts';
import { latencies, StatisticsQuery, type SumRow, tableOf } from './statistics-query.ts';

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
    const intervals = question.boundaries.slice(1).map(() => new StatisticsSums());
    const at = ({ key }: SumRow) => intervals[Number(key)];
    for (const row of query.intervals(tableOf(question))) at(row)?.addCounts(row);
    if (question.domain === undefined) for (const row of query.intervals(latencies)) at(row)?.addLatencies(row);
    return intervals.map(({ figures }) => figures);
  }

  #groups(
    query: StatisticsQuery,
    question: StatisticsQuestion,
    by: StatisticsGrouping,
  ): Pick<StatisticsAnswer, 'groups' | 'others'> {
    const table = tableOf(question, by);
    const groups = new GroupSums<SumRow['key']>({ most: question.top, intervals: question.boundaries.length - 1 });
    for (const row of query.groups(table, by)) {
      groups.addCounts(row.key, row, by === 'domain' && row.key === otherDomains);
    }
    if (question.domain === undefined && by !== 'domain') {
      for (const row of query.groups(latencies, by)) groups.of(row.key).addLatencies(row);
    }
    for (const row of query.series(table, by, groups.keys)) {
      groups.of(row.key).series[Number(row.place)] = Number(row.weight);
    }
    return groups.answer((key) => this.#keyOf(by, key));
  }

  #keyOf(by: StatisticsGrouping, key: SumRow['key']): StatisticsGroup['key'] {
    if (by === 'domain') return String(key);
    const row = this.#database.prepare('SELECT name FROM names WHERE n = ?').get(Number(key));
    return row === undefined ? null : String(row.name);
  }
}
