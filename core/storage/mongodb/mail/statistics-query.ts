import type { AggregationCursor, Document } from 'mongodb';
import { finalStates } from '../../../domain/message.ts';
import type { StatisticsGrouping, StatisticsQuestion } from '../../ports/delivery-statistics.ts';
import { deliveryColumns, statisticsColumns, transactionColumns } from '../../rules/statistics-columns.ts';
import type { MongodbDatabase } from '../client.ts';

/** Sums by the names of their columns, of an hour or a group. */
export interface SumRow {
  readonly _id: number | string | null;
  readonly weight: number;
  readonly [column: string]: number | string | null;
}

export interface SeriesRow {
  readonly _id: { readonly key: string | null; readonly hour: number };
  readonly weight: number;
}

interface Table {
  readonly name: 'statistics' | 'domain_statistics' | 'upstream_statistics';
  readonly columns: readonly string[];
  /** What groups are ranked by. */
  readonly weight: readonly string[];
}

const byMail: Table = { name: 'statistics', columns: statisticsColumns, weight: ['accepted'] };
const byDomain: Table = { name: 'domain_statistics', columns: statisticsColumns, weight: ['accepted'] };
const byUpstream: Table = {
  name: 'upstream_statistics',
  columns: statisticsColumns,
  weight: [...finalStates, 'deferred'],
};
/** The same collection, for its histograms. */
export const latencies: Table = { ...byUpstream, columns: [...deliveryColumns, ...transactionColumns] };

/** Where the counts lie that a filter or grouping asks for. */
export function tableOf({ domain, upstream }: StatisticsQuestion, groupBy?: StatisticsGrouping): Table {
  if (domain !== undefined || groupBy === 'domain') return byDomain;
  return upstream !== undefined || groupBy === 'upstream' ? byUpstream : byMail;
}

const fieldOf = (by: StatisticsGrouping): string => (by === 'owner' || by === 'credential' ? by : 'name');

const sumsOf = (columns: readonly string[]): Document =>
  Object.fromEntries(columns.map((column) => [column, { $sum: `$${column}` }]));

/** Asks the collections of hourly counters. */
export class StatisticsQuery {
  readonly #database: MongodbDatabase;
  readonly #match: Document;

  constructor(database: MongodbDatabase, { boundaries, ownerId, credentialId, domain, upstream }: StatisticsQuestion) {
    this.#database = database;
    const name = domain ?? upstream;
    this.#match = {
      hour: { $gte: boundaries[0] ?? 0, $lt: boundaries.at(-1) ?? 0 },
      ...(ownerId === undefined ? {} : { owner: ownerId }),
      ...(credentialId === undefined ? {} : { credential: credentialId }),
      ...(name === undefined ? {} : { name }),
    };
  }

  /** Sums by hour. */
  hours(table: Table): AggregationCursor<SumRow> {
    return this.#ask(table, [{ $group: { _id: '$hour', ...sumsOf(table.columns) } }]);
  }

  /** Sums by group, the largest first; row by row, since there may be many. */
  groups(table: Table, by: StatisticsGrouping): AggregationCursor<SumRow> {
    return this.#ask(table, [
      { $group: { _id: `$${fieldOf(by)}`, ...sumsOf([...new Set([...table.columns, ...table.weight])]) } },
      { $addFields: { weight: { $add: table.weight.map((column) => `$${column}`) } } },
      { $sort: { weight: -1, _id: 1 } },
    ]);
  }

  /** What groups are ranked by, an hour: of those named apart, or of all others together. */
  series(
    table: Table,
    by: StatisticsGrouping,
    which: { readonly among: readonly (string | null)[]; readonly others: boolean },
  ): AggregationCursor<SeriesRow> {
    const field = fieldOf(by);
    const key = which.others ? { $literal: null } : `$${field}`;
    return this.#ask(table, [
      { $match: { [field]: which.others ? { $nin: [...which.among] } : { $in: [...which.among] } } },
      { $group: { _id: { key, hour: '$hour' }, ...sumsOf(table.weight) } },
      { $addFields: { weight: { $add: table.weight.map((column) => `$${column}`) } } },
    ]);
  }

  #ask<T extends Document>({ name }: Table, stages: readonly Document[]): AggregationCursor<T> {
    return this.#database.collection(name).aggregate<T>([{ $match: this.#match }, ...stages]);
  }
}
