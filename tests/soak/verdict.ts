import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Account } from '../support/api-client.ts';
import { isAccepted, type PromisedMail } from '../support/cluster-journals.ts';
import type { JournalEntry } from '../support/journal-entry.ts';
import { compareMail } from '../support/mail-comparison.ts';
import { conservationOf, waitingMail } from '../support/queue-state.ts';
import type { Deployment } from './deployment.ts';

/** What became of all mail of a run. */
export interface Verdict {
  readonly promised: readonly PromisedMail[];
  readonly lost: number;
  readonly changed: number;
  /** Messages that came more than once, and what came of them beyond the first copy. */
  readonly doubled: number;
  readonly copies: number;
  /** Message-IDs of which more copies came than the log calls ambiguous attempts. */
  readonly unexplained: readonly string[];
  /** Refusals by their reply, without its numbers. */
  readonly refusals: ReadonlyMap<string, number>;
  /** What was delivered though no client read a 250 for it, by what it read instead: it may well send that again. */
  readonly unpromised: ReadonlyMap<string, number>;
  /** What clients said that did not come to an end. */
  readonly stuck: readonly string[];
  /** Connections lost, by where they stood. */
  readonly cuts: ReadonlyMap<string, number>;
  /** Milliseconds from the end of the load until the queue was empty. */
  readonly emptied: number;
  readonly conservation: Awaited<ReturnType<typeof conservationOf>>;
}

const found = z.object({ items: z.array(z.object({ id: z.string(), kind: z.string() })) });
const details = z.object({ attempts: z.array(z.object({ ambiguous: z.boolean() })) });

/** How many attempts of a message the log calls ambiguous. */
async function ambiguousAttempts({ call }: Account, messageId: string): Promise<number> {
  const { body } = await call('GET', `/api/mail-logs?message_id=${encodeURIComponent(messageId)}`);
  const [message] = found.parse(body).items.filter(({ kind }) => kind === 'message');
  if (message === undefined) return 0;
  const { attempts } = details.parse((await call('GET', `/api/mail-logs/${message.id}`)).body);
  return attempts.filter(({ ambiguous }) => ambiguous).length;
}

/** What a client was told, or where it was cut off. */
const told = (entry: JournalEntry): string => {
  if (entry.event === 'refused') return `${entry.code} ${entry.reply}`;
  return entry.event === 'cut' ? `connection lost (${entry.phase})` : entry.reply;
};

const tally = (names: readonly string[]): Map<string, number> =>
  new Map([...Map.groupBy(names, (name) => name)].map(([name, same]) => [name, same.length]));

/** Milliseconds in which a client comes to the end of its transaction. */
const clientPatience = 60_000;

/** Mail that may be waiting for the outcome of an interrupted attempt is tried again by then, and some more. */
const longestWait = ({ worker }: Deployment['config']): number =>
  worker.ambiguous_delay + worker.lease + worker.sweep + 300_000;

/** Ends the load, waits until nothing waits any more, and holds what came against what was promised. */
export async function verdict(deployment: Deployment, signal: AbortSignal): Promise<Verdict> {
  const { account, config, journals, sink } = deployment;
  const stuck: string[] = [];
  const note = ({ message }: Error) => stuck.push(message);
  await Promise.all(journals.map((journal) => journal.finish(clientPatience).catch(note)));
  const entries: JournalEntry[] = (await Promise.all(journals.map((journal) => journal.entries()))).flat();
  const ended = Date.now();
  for (;;) {
    const { messages, shown } = await waitingMail(account);
    if (messages === 0) break;
    if (Date.now() - ended > longestWait(config)) throw new Error(`the queue does not become empty: ${shown}`);
    await delay(2_000, undefined, { signal });
  }
  const emptied = Date.now() - ended;
  const promised = entries.filter(isAccepted);
  const { lost, changed, doubled } = compareMail(promised, sink.mails);
  const delivered = new Set(sink.mails.map(({ messageId }) => messageId));
  const others = entries.filter((entry) => !isAccepted(entry));
  const unpromised = others.filter(({ messageId }) => delivered.has(messageId));
  const unexplained: string[] = [];
  for (const [messageId, copies] of doubled) {
    if (copies - 1 > (await ambiguousAttempts(account, messageId))) unexplained.push(messageId);
  }
  return {
    promised,
    lost: lost.length,
    changed: changed.length,
    doubled: doubled.size,
    copies: [...doubled.values()].reduce((sum, copies) => sum + copies - 1, 0),
    unexplained,
    stuck,
    unpromised: tally(unpromised.map(told)),
    refusals: tally(others.filter(({ event }) => event === 'refused').map(told)),
    cuts: tally(others.filter(({ event }) => event === 'cut').map(told)),
    emptied,
    conservation: await conservationOf(account),
  };
}
