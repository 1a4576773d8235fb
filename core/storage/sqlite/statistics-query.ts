import type { DatabaseSync } from 'node:sqlite';
import type { StatisticsGrouping, StatisticsQuestion } from '../ports/delivery-statistics.ts';
import { deliveryColumns, statisticsColumns, transactionColumns } from '../rules/statistics-columns.ts';
import { hourMilliseconds } from '../rules/time-spans.ts';
import { domainColumns, upstreamColumns } from './statistics.ts';

type Value = number | string;
/** Sums by the names of their columns, under the place of an interval or the key of a group. */
export interface SumRow {
  readonly key: Value | null;
  readonly [column: string]: Value | null;
}

interface Table {
  readonly name: string;
  readonly columns: readonly string[];
}

const byMail: Table = { name: 'statistics', columns: statisticsColumns };
const byDomain: Table = { name: 'domain_statistics', columns: domainColumns };
const byUpstream: Table = { name: 'upstream_statistics', columns: upstreamColumns };
/** The same table, for its histograms. */
export const latencies: Table = {
  name: 'upstream_statistics',
  columns: [...deliveryColumns, ...transactionColumns],
};

/** Where the counts lie that a filter or grouping asks for. */
export function tableOf({ domain, upstream }: StatisticsQuestion, groupBy?: StatisticsGrouping): Table {
  if (domain !== undefined || groupBy === 'domain') return byDomain;
  return upstream !== undefined || groupBy === 'upstream' ? byUpstream : byMail;
}

/** What groups of a table are ranked by. */
const weightOf = (table: Table): string => (table.name === byUpstream.name ? upstreamColumns.join(' + ') : 'accepted');

const sumsOf = ({ columns }: Table): string => columns.map((column) => `sum(s.${column}) AS ${column}`).join(', ');

/** JSON of the hours of a question, each with the place of its interval. */
function hoursOf(boundaries: readonly number[]): string {
  const hours: [number, number][] = [];
  for (let place = 0; place + 1 < boundaries.length; place += 1) {
    const until = boundaries[place + 1] ?? 0;
    for (let hour = boundaries[place] ?? until; hour < until; hour += hourMilliseconds) hours.push([hour, place]);
  }
  return JSON.stringify(hours);
}

/** Asks the tables of hourly counters. */
export class StatisticsQuery {
  readonly #database: DatabaseSync;
  readonly #hours: string;
  readonly #conditions: string;
  readonly #values: Value[];

  /** `number` gives the number of an owner, credential or upstream; -1 where there is none. */
  constructor(database: DatabaseSync, question: StatisticsQuestion, number: (name: string) => number) {
    this.#database = database;
    this.#hours = hoursOf(question.boundaries);
    const { ownerId, credentialId, domain, upstream } = question;
    const asked = [
      ['owner', ownerId === undefined ? undefined : number(ownerId)],
      ['credential', credentialId === undefined ? undefined : number(credentialId)],
      ['domain', domain],
      ['upstream', upstream === undefined ? undefined : number(upstream)],
    ] as const;
    const filters = asked.flatMap(([column, value]) => (value === undefined ? [] : [{ column, value }]));
    this.#conditions = filters.map(({ column }) => ` AND s.${column} = ?`).join('');
    this.#values = filters.map(({ value }) => value);
  }

  /** Sums by interval; the key is its place. */
  intervals(table: Table): IterableIterator<SumRow> {
    return this.#rows(`SELECT h.place AS key, ${sumsOf(table)} ${this.#from(table)} GROUP BY h.place`);
  }

  /** Sums by group, the largest first; row by row, since there may be many. */
  groups(table: Table, by: StatisticsGrouping): IterableIterator<SumRow> {
    return this.#rows(
      `SELECT s.${by} AS key, ${sumsOf(table)} ${this.#from(table)}
       GROUP BY s.${by} ORDER BY sum(${weightOf(table)}) DESC, s.${by}`,
    );
  }

  /** What groups are ranked by (`weight`), an interval (`place`): of those named, and under null of all others. */
  series(table: Table, by: StatisticsGrouping, keys: readonly (Value | null)[]): IterableIterator<SumRow> {
    return this.#rows(
      `SELECT CASE WHEN s.${by} IN (SELECT value FROM json_each(?)) THEN s.${by} END AS key, h.place,
         sum(${weightOf(table)}) AS weight
       ${this.#from(table)} GROUP BY 1, h.place`,
      JSON.stringify(keys),
    );
  }

  /** Hour by hour, so that the key of the table leads to an owner's rows. */
  #from(table: Table): string {
    return `FROM hours h CROSS JOIN ${table.name} s ON s.hour = h.hour${this.#conditions}`;
  }

  #rows(sql: string, ...before: Value[]): IterableIterator<SumRow> {
    const hours = 'WITH hours (hour, place) AS MATERIALIZED (SELECT value ->> 0, value ->> 1 FROM json_each(?))';
    const statement = this.#database.prepare(`${hours} ${sql}`);
    return statement.iterate(this.#hours, ...before, ...this.#values) as IterableIterator<SumRow>;
  }
}
