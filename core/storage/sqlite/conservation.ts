import type { DatabaseSync } from 'node:sqlite';
import type { Conservation } from '../ports/mail-log.ts';
import { addTally, allStates, type Counts, noCounts } from '../rules/tally.ts';
import { bounceKind } from './entry-kind.ts';

/** What the records of one closed day say. */
export interface DayCounts {
  accepted: number;
  generated: number;
  states: Counts;
}

/** -1 where none was closed yet. */
export const lastClosedDay = (database: DatabaseSync): number =>
  Number(database.prepare('SELECT coalesce(max(final_day), -1) AS day FROM days').get()?.day);

function addAccepted(counts: DayCounts, rows: readonly Record<string, unknown>[]): void {
  for (const row of rows) {
    if (Number(row.kind) === bounceKind) counts.generated += Number(row.recipients);
    else counts.accepted += Number(row.recipients);
  }
}

const emptyDay = (): DayCounts => ({ accepted: 0, generated: 0, states: noCounts() });

/** Counts the records that became final from day `first` to day `last`. */
export function countOutcomes(database: DatabaseSync, first: number, last: number): DayCounts {
  const counts = emptyDay();
  addAccepted(
    counts,
    database
      .prepare(
        `SELECT entries.kind AS kind, sum(entries.recipients) AS recipients FROM outcomes CROSS JOIN entries USING (seq)
         WHERE final_day BETWEEN ? AND ? GROUP BY entries.kind`,
      )
      .all(first, last),
  );
  const tallies = database
    .prepare('SELECT tally, count(*) AS times FROM outcomes WHERE final_day BETWEEN ? AND ? GROUP BY tally')
    .all(first, last);
  for (const { tally, times } of tallies) addTally(counts.states, String(tally), Number(times));
  return counts;
}

/**
 * The sum of decisions.md. What came in is counted from the entries, what became of it from queue and outcomes: two
 * tables that nothing but correct bookkeeping keeps in step. Closed days come from their one row each. Reads one
 * snapshot, however long it takes.
 */
export function conservation(database: DatabaseSync): Conservation {
  database.exec('BEGIN');
  try {
    const total = emptyDay();
    for (const { counts } of database.prepare('SELECT counts FROM days').all()) {
      addDay(total, JSON.parse(String(counts)) as DayCounts);
    }
    addDay(total, countOutcomes(database, lastClosedDay(database) + 1, Number.MAX_SAFE_INTEGER));
    addAccepted(
      total,
      database
        .prepare(
          `SELECT entries.kind AS kind, sum(entries.recipients) AS recipients
           FROM queue CROSS JOIN entries USING (seq) GROUP BY entries.kind`,
        )
        .all(),
    );
    for (const { tally, times } of database
      .prepare('SELECT tally, count(*) AS times FROM queue GROUP BY tally')
      .all()) {
      addTally(total.states, String(tally), Number(times));
    }
    const { accepted, generated, states } = total;
    const settled = allStates.reduce((sum, state) => sum + states[state], 0);
    return { accepted, generated, states, balanced: accepted + generated === settled };
  } finally {
    database.exec('COMMIT');
  }
}

function addDay(total: DayCounts, day: DayCounts): void {
  total.accepted += day.accepted;
  total.generated += day.generated;
  for (const state of allStates) total.states[state] += day.states[state];
}

/** The first day that is over but not closed, with its counts; null if there is none. Days without mail have no row. */
export function dayToClose(database: DatabaseSync, today: number): { day: number; counts: DayCounts } | null {
  const row = database
    .prepare('SELECT min(final_day) AS day FROM outcomes WHERE final_day > ? AND final_day < ?')
    .get(lastClosedDay(database), today);
  if (row === undefined || row.day === null) return null;
  const day = Number(row.day);
  return { day, counts: countOutcomes(database, day, day) };
}
