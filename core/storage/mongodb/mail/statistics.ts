import { bucketOf, deliveryBounds, transactionBounds } from '../../../domain/latency-histogram.ts';
import { type FinalState, isFinal, type RecipientRecord } from '../../../domain/message.ts';
import { deliveryColumn, transactionColumn } from '../../rules/statistics-columns.ts';
import type { MongodbDatabase } from '../client.ts';
import { within } from '../deadline.ts';
import { DistinctDomains } from './distinct-domains.ts';
import { HourlySums } from './hourly-sums.ts';
import type { MessageDocument } from './message-documents.ts';

const isSent = (state: FinalState): boolean => state === 'delivered' || state === 'relayed' || state === 'captured';

/** Whose mail, and when it was accepted. */
export type Counted = Pick<MessageDocument, 'owner' | 'credential' | 'origin' | 'at'>;

/**
 * Hourly counters by owner and credential, and those by recipient domain and by upstream, kept as things happen.
 * Bounces of our own are not mail that anybody sent and are left out. A crash may lose the counts of one batch.
 */
export class Statistics {
  readonly #all: HourlySums;
  readonly #domains: HourlySums;
  readonly #upstreams: HourlySums;
  readonly #distinct: DistinctDomains;

  constructor(database: MongodbDatabase) {
    this.#all = new HourlySums(database.collection('statistics'));
    this.#domains = new HourlySums(database.collection('domain_statistics'));
    this.#upstreams = new HourlySums(database.collection('upstream_statistics'));
    this.#distinct = new DistinctDomains(database);
  }

  /** A message was taken, final recipients counted, too; `times` -1 where it was not after all. */
  accepted(mail: Counted, recipients: readonly RecipientRecord[], now: number, times: 1 | -1 = 1): void {
    if (mail.origin === 'bounce') return;
    this.#all.add(mail.at, mail.owner, mail.credential, null, 'accepted', times * recipients.length);
    for (const { domain } of recipients) this.#addDomain(mail, domain, mail.at, 'accepted', times);
    for (const recipient of recipients) {
      if (isFinal(recipient.state)) this.#finished(mail, recipient, recipient.state, now, times);
    }
  }

  /** Counts those of a message's recipients that became final. */
  changed(mail: Counted, before: readonly RecipientRecord[], after: readonly RecipientRecord[], now: number): void {
    if (mail.origin === 'bounce') return;
    after.forEach((recipient, index) => {
      const { state } = recipient;
      if (isFinal(state) && before[index]?.state !== state) this.#finished(mail, recipient, state, now, 1);
    });
  }

  /** An attempt for a recipient ended in "later". */
  deferred(mail: Counted, recipient: RecipientRecord, now: number): void {
    if (mail.origin !== 'bounce') this.#became(mail, recipient, 'deferred', now, 1);
  }

  /** A transaction with an upstream came to its end, whatever that was. */
  transaction(mail: Counted, upstream: string, milliseconds: number, now: number): void {
    if (mail.origin === 'bounce') return;
    const column = transactionColumn(bucketOf(transactionBounds, milliseconds));
    this.#upstreams.add(now, mail.owner, mail.credential, upstream, column, 1);
  }

  /** A client's transaction was refused. */
  refused(owner: string | null, credential: string | null, at: number): void {
    this.#all.add(at, owner, credential, null, 'refused', 1);
  }

  /** Reads which domains are counted by name already, for those that `owners` will count now. Never rejects. */
  prepare(mails: Iterable<Pick<MessageDocument, 'owner' | 'at'>>, now: number): Promise<void> {
    return this.#distinct.prepare(mails, now);
  }

  /** Writes what was added, waiting until `deadline` (`performance.now()`) at most. Never rejects. */
  async save(deadline = Number.POSITIVE_INFINITY): Promise<void> {
    const saved = Promise.all([this.#all.save(), this.#domains.save(), this.#upstreams.save()]);
    if (deadline === Number.POSITIVE_INFINITY) await saved;
    else await within(Math.max(0, deadline - performance.now()), saved).catch(() => undefined);
  }

  #finished(mail: Counted, recipient: RecipientRecord, state: FinalState, now: number, times: number): void {
    this.#became(mail, recipient, state, now, times);
    if (recipient.upstream === null || !isSent(state)) return;
    const took = (recipient.finalAt ?? now) - mail.at;
    const column = deliveryColumn(bucketOf(deliveryBounds, took));
    this.#upstreams.add(now, mail.owner, mail.credential, recipient.upstream, column, times);
  }

  #became(
    mail: Counted,
    { domain, upstream }: RecipientRecord,
    state: FinalState | 'deferred',
    now: number,
    times: number,
  ): void {
    this.#all.add(now, mail.owner, mail.credential, null, state, times);
    this.#addDomain(mail, domain, now, state, times);
    if (upstream !== null) this.#upstreams.add(now, mail.owner, mail.credential, upstream, state, times);
  }

  #addDomain({ owner, credential }: Counted, domain: string, at: number, column: string, times: number): void {
    this.#domains.add(at, owner, credential, this.#distinct.nameOf(at, owner, credential, domain), column, times);
  }
}
