import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { SluiceError } from '../../domain/errors.ts';
import type { CounterTotal } from '../ports/counters.ts';
import { AbandonedLeases } from './abandoned-leases.ts';
import { Bodies } from './bodies.ts';
import { type Claimed, Claims } from './claims.ts';
import { CounterRows } from './counter-rows.ts';
import type { DiskSpace } from './disk-space.ts';
import { EventRows } from './event-rows.ts';
import { type FreshMessage, FreshMessages } from './fresh-messages.ts';
import type { MarkFile } from './mark.ts';
import { type Inserted, MessageRows } from './message-rows.ts';
import { Names } from './names.ts';
import { type WriteProcedures, writeProcedures } from './procedures.ts';
import { type CallItem, type Failure, type Item, isFailure, type Lease, type MessageItem } from './protocol.ts';
import { QueueActionRows } from './queue-actions.ts';
import { QueueRows } from './queue-rows.ts';
import { Retention } from './retention.ts';
import { Settlements } from './settlements.ts';
import { Statistics } from './statistics.ts';
import { isConstraint, isStorageFault, storeError } from './store-error.ts';
import { StoreRow } from './store-row.ts';
import { Terms } from './terms.ts';
import { WalRoom } from './wal-room.ts';

/** One item of a batch, with the slab its bodies lie in. */
export interface Work {
  readonly item: Item;
  readonly slab: ArrayBuffer;
}

/** A worker that waits for messages. */
export interface Demand {
  readonly limit: number;
}

/** What a transaction brought: an answer an item, and what each demand got. */
export interface Written {
  readonly answers: unknown[];
  readonly claimed: Claimed[][];
  /** False where the disk refused the transaction as a whole. */
  readonly stored: boolean;
}

export interface WriterOptions {
  readonly mark: MarkFile;
  readonly disk: DiskSpace;
  readonly ambiguousDelay: number;
  readonly now?: () => number;
}

/** Items about claims and leases, which the service keeps in memory. */
const unwritten: ReadonlySet<Item['kind']> = new Set(['claim', 'cancel-claim', 'renew', 'watch-events'] as const);
type WrittenItem = Exclude<Item, { kind: 'message' | 'claim' | 'cancel-claim' | 'renew' | 'watch-events' }>;

/** Items that only ever take room; refused while the disk is full, so that what is left serves deliveries. */
const growing: ReadonlySet<Item['kind']> = new Set(['message', 'chunk', 'begin-body', 'refusal']);

/**
 * Applies batches, each in one transaction with one fsync. Synchronous, and the only writer of the database. An item
 * that cannot be done fails alone; a disk that cannot be written fails the whole batch, and nobody in it is told
 * anything else. On a full disk mail is refused and the reserve is given up, so that deliveries can be recorded.
 */
export class Writer {
  readonly #database: DatabaseSync;
  readonly #options: WriterOptions;
  readonly #now: () => number;
  readonly #store: StoreRow;
  readonly #names: Names;
  readonly #statistics: Statistics;
  readonly #events: EventRows;
  readonly #bodies: Bodies;
  readonly #messages: MessageRows;
  readonly #settlements: Settlements;
  readonly #claims: Claims;
  readonly #counters: CounterRows;
  readonly #abandoned: AbandonedLeases;
  readonly #procedures: WriteProcedures;
  readonly #fresh = new FreshMessages();
  readonly #wal: WalRoom;
  readonly #begin: StatementSync;
  readonly #end: StatementSync;
  #full = false;

  constructor(database: DatabaseSync, options: WriterOptions) {
    this.#database = database;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#end = database.prepare('COMMIT');
    this.#wal = new WalRoom(database, options.disk);
    this.#store = new StoreRow(database);
    this.#names = new Names(database);
    this.#statistics = new Statistics(database, { names: this.#names });
    this.#events = new EventRows(database);
    this.#bodies = new Bodies(database);
    const shared = {
      store: this.#store,
      names: this.#names,
      bodies: this.#bodies,
      statistics: this.#statistics,
      events: this.#events,
    };
    const queue = new QueueRows(database, shared);
    this.#messages = new MessageRows(database, { ...shared, queue, terms: new Terms(database) });
    this.#settlements = new Settlements(database, { ...shared, queue, messages: this.#messages });
    this.#claims = new Claims(database, { bodies: this.#bodies, fresh: this.#fresh });
    this.#counters = new CounterRows(database);
    this.#abandoned = new AbandonedLeases(database, { ...shared, queue }, options.ambiguousDelay);
    this.#procedures = writeProcedures(database, {
      actions: new QueueActionRows(database, { ...shared, queue }),
      retention: new Retention(database, { queue }),
      events: this.#events,
      now: this.#now,
    });
  }

  /** Number of the last commit. */
  get commitSeq(): number {
    return this.#store.commitSeq;
  }

  /** Id of the newest event. */
  get newestEvent(): number {
    return this.#events.newest;
  }

  /** When the next message becomes due that nobody holds; null if none ever does. */
  nextDue(): number | null {
    return this.#claims.nextDue();
  }

  /** Applies a batch. Never throws: what fails is an answer of the kind `Failure`. */
  write(work: readonly Work[], demands: readonly Demand[] = [], counters: readonly CounterTotal[] = []): Written {
    if (this.#full) this.#full = !this.#recovered();
    else this.#keepWalSmall();
    if (this.#full) return this.#writeWhileFull(work, demands, counters);
    try {
      return this.#transaction(work, demands, counters);
    } catch (error) {
      const failure = storeError(error, !this.#options.disk.hasRoomNow());
      if (failure.code === 'STORE_FULL') {
        this.#enterFull();
        return this.#writeWhileFull(work, demands, counters);
      }
      if (isStorageFault(error)) return failAll(work, demands, failure);
      return this.#eachAlone(work, demands, counters);
    }
  }

  /** Ends leases whose holders are gone. */
  abandon(leases: readonly Lease[]): void {
    const now = this.#now();
    this.#commit(() => {
      for (const { seq, lease } of leases) this.#abandoned.end(seq, lease, now);
      return leases.length > 0;
    });
  }

  /** At a start every open lease is dead. Answers how many there were. */
  abandonAll(): number {
    const now = this.#now();
    let ended = 0;
    for (let seqs = this.#abandoned.leased(500); seqs.length > 0; seqs = this.#abandoned.leased(500)) {
      this.#commit(() => {
        for (const seq of seqs) this.#abandoned.end(seq, null, now);
        return true;
      });
      ended += seqs.length;
    }
    return ended;
  }

  #transaction(work: readonly Work[], demands: readonly Demand[], counters: readonly CounterTotal[]): Written {
    const now = this.#now();
    const answers: unknown[] = new Array(work.length);
    const claimed: Claimed[][] = [];
    const unclaimed: FreshMessage[] = [];
    this.#commit(() => {
      const arriving: number[] = [];
      let changed = counters.length > 0;
      work.forEach(({ item, slab }, index) => {
        if (item.kind === 'message') arriving.push(index);
        else if (!unwritten.has(item.kind)) {
          answers[index] = this.#apply(item as WrittenItem, slab, now);
          changed = true;
        }
      });
      this.#counters.put(counters);

      const places = demands.reduce((sum, { limit }) => sum + limit, 0);
      const lease = this.#store.coming;
      const ready = places > 0 ? this.#claims.take(places, arriving.length, lease, now) : [];
      for (const index of arriving) {
        const { item, slab } = work[index] as { item: MessageItem; slab: ArrayBuffer };
        const wanted = ready.length < places;
        const answer = this.#insert(item, slab, wanted ? lease : null, now);
        if (isFailure(answer)) {
          answers[index] = answer;
        } else if (answer.leased) {
          const { seq, body } = answer;
          ready.push({ seq, lease, facts: item.facts, recipients: item.recipients, body });
        } else if (answer.open && answer.body !== null) {
          unclaimed.push({ seq: answer.seq, facts: item.facts, body: answer.body });
        }
      }
      let from = 0;
      for (const { limit } of demands) {
        claimed.push(ready.slice(from, from + limit));
        from += limit;
      }
      return changed || arriving.length > 0 || ready.length > 0;
    });
    for (const message of unclaimed) this.#fresh.add(message);
    return { answers, claimed, stored: true };
  }

  #commit(change: () => boolean): void {
    const database = this.#database;
    this.#begin.run();
    try {
      const changed = change();
      if (changed) {
        this.#statistics.save();
        this.#events.save();
        this.#store.save();
      }
      this.#end.run();
      if (!changed) return;
      this.#store.committed();
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      this.#store.rolledBack();
      this.#names.rolledBack();
      this.#statistics.clear();
      this.#events.rolledBack(database);
      throw error;
    }
    this.#options.mark.write(this.#store.commitSeq);
  }

  #insert(item: MessageItem, slab: ArrayBuffer, lease: number | null, now: number): Inserted | Failure {
    try {
      return this.#messages.insert(item, slab, lease, now);
    } catch (error) {
      return failureOf(error);
    }
  }

  #apply(item: WrittenItem, slab: ArrayBuffer, now: number): unknown {
    try {
      switch (item.kind) {
        case 'settlement':
          return this.#settlements.settle(item, slab, now);
        case 'chunk':
          return this.#bodies.receive(item.id, item.n, new Uint8Array(slab, item.body.offset, item.body.length));
        case 'begin-body':
          return this.#bodies.begin(item.id, this.#store.takeSeq(), now);
        case 'abandon-body':
          return this.#bodies.abandon(item.id, now);
        case 'refusal':
          return this.#messages.insertRefusal(item, now);
        case 'call':
          return this.#call(item);
      }
    } catch (error) {
      return failureOf(error);
    }
  }

  #call({ method, parameters }: CallItem): unknown {
    const procedure: (...parameters: never[]) => unknown = this.#procedures[method];
    return procedure(...(parameters as never[]));
  }

  /** An item that makes SQLite or us fail in an unforeseen way must not fail those that came with it. */
  #eachAlone(work: readonly Work[], demands: readonly Demand[], counters: readonly CounterTotal[]): Written {
    const alone = (one: readonly Work[], its: readonly CounterTotal[]): unknown => {
      try {
        return this.#transaction(one, [], its).answers[0];
      } catch (error) {
        const code = isStorageFault(error) ? storeError(error, false).code : 'INTERNAL';
        return { failed: code, message: String(error) } satisfies Failure;
      }
    };
    const answers = work.map((one) => alone([one], []));
    return { answers, claimed: demands.map(() => []), stored: !isFailure(alone([], counters)) };
  }

  #enterFull(): void {
    this.#full = true;
    this.#options.disk.release();
    try {
      this.#wal.save();
    } catch {
      // Even the room given up is gone; the batch will be refused as a whole.
    }
  }

  #keepWalSmall(): void {
    try {
      this.#wal.watch();
    } catch {
      // The batch meets the same fault, and its callers are told.
    }
  }

  #recovered(): boolean {
    const recovered = this.#options.disk.hasRoomNow();
    if (recovered) this.#options.disk.take();
    return recovered;
  }

  #writeWhileFull(work: readonly Work[], demands: readonly Demand[], counters: readonly CounterTotal[]): Written {
    const needful = work.filter(({ item }) => !growing.has(item.kind));
    let written: Written;
    try {
      written = this.#transaction(needful, demands, counters);
    } catch (error) {
      return failAll(work, demands, storeError(error, true));
    }
    const refusal: Failure = { failed: 'STORE_FULL', message: 'There is no room left on the disk of the data folder' };
    let next = 0;
    const answers = work.map(({ item }) => (growing.has(item.kind) ? refusal : written.answers[next++]));
    return { answers, claimed: written.claimed, stored: true };
  }
}

/** What the caller of one item is told; rethrows what concerns the whole batch. */
function failureOf(error: unknown): Failure {
  if (error instanceof SluiceError) return { failed: error.code, message: error.message };
  if (isConstraint(error)) return { failed: 'CONFLICT', message: 'another row has this name or id already' };
  throw error;
}

function failAll(work: readonly Work[], demands: readonly Demand[], failure: SluiceError): Written {
  const answer: Failure = { failed: failure.code, message: failure.message };
  return { answers: work.map(() => answer), claimed: demands.map(() => []), stored: false };
}
