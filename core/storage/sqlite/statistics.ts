import type { DatabaseSync } from 'node:sqlite';
import { bucketOf, deliveryBounds, latencyBuckets, transactionBounds } from '../../domain/latency-histogram.ts';
import { type FinalState, finalStates, type RecipientRecord } from '../../domain/message.ts';
import { deliveryColumns, statisticsColumns, transactionColumns } from '../rules/statistics-columns.ts';
import { DistinctDomains } from './distinct-domains.ts';
import { HourlySums } from './hourly-sums.ts';
import type { Names } from './names.ts';

/** Columns of the tables after their keys, in the order of their sums. */
export const domainColumns = ['accepted', ...finalStates, 'deferred'] as const;
export const upstreamColumns = [...finalStates, 'deferred'] as const;

const column = Object.fromEntries(statisticsColumns.map((name, index) => [name, index])) as Record<
  (typeof statisticsColumns)[number],
  number
>;
/** By upstream nothing is accepted. */
const atUpstream = (state: FinalState | 'deferred'): number => column[state] - 1;
const firstDelivery = upstreamColumns.length;
const firstTransaction = firstDelivery + latencyBuckets;

const isSent = (state: FinalState): boolean => state === 'delivered' || state === 'relayed' || state === 'captured';

/** Whose mail it is, by number, and when it was accepted (milliseconds since the epoch). */
export interface Counted {
  readonly owner: number;
  readonly credential: number;
  readonly accepted_at: number;
}

function add(sums: number[], index: number, count: number): void {
  sums[index] = (sums[index] ?? 0) + count;
}

/**
 * Hourly counters by owner and credential, and those by recipient domain and by upstream, kept as things happen and
 * written with the transaction that brings them. Bounces of our own are not mail that anybody sent: callers leave
 * them out.
 */
export class Statistics {
  readonly #all: HourlySums;
  readonly #domains: HourlySums;
  readonly #upstreams: HourlySums;
  readonly #names: Names;
  readonly #distinct: DistinctDomains;

  constructor(database: DatabaseSync, parts: { names: Names }) {
    this.#names = parts.names;
    this.#distinct = new DistinctDomains(database);
    this.#all = new HourlySums(database, 'statistics', null, statisticsColumns);
    this.#domains = new HourlySums(database, 'domain_statistics', 'domain', domainColumns);
    const latencies = [...deliveryColumns, ...transactionColumns];
    this.#upstreams = new HourlySums(database, 'upstream_statistics', 'upstream', [...upstreamColumns, ...latencies]);
  }

  /** A message was taken; counted in the hour of its acceptance. */
  accepted(mail: Counted, recipients: readonly RecipientRecord[]): void {
    const { owner, credential, accepted_at: at } = mail;
    add(this.#all.of(at, owner, credential), column.accepted, recipients.length);
    for (const { domain } of recipients) this.#addDomain(mail, domain, at, column.accepted);
  }

  /** A recipient came into a final state. */
  finished(mail: Counted, recipient: RecipientRecord, state: FinalState, now: number): void {
    this.#became(mail, recipient, state, now);
    if (recipient.upstream === null || !isSent(state)) return;
    const took = (recipient.finalAt ?? now) - mail.accepted_at;
    add(this.#upstream(mail, recipient.upstream, now), firstDelivery + bucketOf(deliveryBounds, took), 1);
  }

  /** An attempt for a recipient ended in "later". */
  deferred(mail: Counted, recipient: RecipientRecord, now: number): void {
    this.#became(mail, recipient, 'deferred', now);
  }

  /** A transaction with an upstream came to its end, whatever that was. */
  transaction(mail: Counted, upstream: string, milliseconds: number, now: number): void {
    add(this.#upstream(mail, upstream, now), firstTransaction + bucketOf(transactionBounds, milliseconds), 1);
  }

  /** A client's transaction was refused. */
  refused(owner: number, credential: number, at: number): void {
    add(this.#all.of(at, owner, credential), column.refused, 1);
  }

  /** Writes what the transaction brought. */
  save(): void {
    this.#all.save();
    this.#domains.save();
    this.#upstreams.save();
  }

  /** Forgets what a transaction brought that was rolled back. */
  clear(): void {
    this.#all.clear();
    this.#domains.clear();
    this.#upstreams.clear();
    this.#distinct.clear();
  }

  #became(mail: Counted, { domain, upstream }: RecipientRecord, state: FinalState | 'deferred', now: number): void {
    add(this.#all.of(now, mail.owner, mail.credential), column[state], 1);
    this.#addDomain(mail, domain, now, column[state]);
    if (upstream !== null) add(this.#upstream(mail, upstream, now), atUpstream(state), 1);
  }

  #addDomain({ owner, credential }: Counted, domain: string, at: number, index: number): void {
    const name = this.#distinct.nameOf(at, owner, credential, domain);
    add(this.#domains.of(at, owner, credential, name), index, 1);
  }

  #upstream({ owner, credential }: Counted, upstream: string, now: number): number[] {
    return this.#upstreams.of(now, owner, credential, this.#names.number(upstream));
  }
}
