import { finalStates, openStates, type RecipientRecord, type RecipientState } from '../../domain/message.ts';

/** Recipients by state. */
export type Counts = Record<RecipientState, number>;

export const allStates: readonly RecipientState[] = [...openStates, ...finalStates];

export const noCounts = (): Counts => ({
  queued: 0,
  deferred: 0,
  held: 0,
  delivered: 0,
  relayed: 0,
  captured: 0,
  discarded: 0,
  bounced: 0,
  expired: 0,
  cancelled: 0,
});

export function countStates(recipients: readonly RecipientRecord[]): Counts {
  const counts = noCounts();
  for (const { state } of recipients) counts[state] += 1;
  return counts;
}

/** Counts as the database keeps them beside a record, so that sums need not open its JSON: `queued:2,bounced:1`. */
export function tallyText(counts: Counts): string {
  let text = '';
  for (const state of allStates) {
    if (counts[state] > 0) text += text === '' ? `${state}:${counts[state]}` : `,${state}:${counts[state]}`;
  }
  return text;
}

/** Adds `times` times what a tally says to some counts. */
export function addTally(counts: Counts, tally: string, times: number): void {
  if (tally === '') return;
  for (const part of tally.split(',')) {
    const colon = part.indexOf(':');
    const state = allStates.find((name) => name === part.slice(0, colon));
    if (state !== undefined) counts[state] += times * Number(part.slice(colon + 1));
  }
}

export const openCount = (counts: Counts): number => counts.queued + counts.deferred + counts.held;

/** Some recipient got nothing: what people look for in a log. */
export const hasFailed = (counts: Counts): boolean =>
  counts.bounced + counts.expired + counts.cancelled + counts.discarded > 0;
