import type { DatabaseSync } from 'node:sqlite';
import type { MessagePort } from 'node:worker_threads';
import { SluiceError } from '../../domain/errors.ts';
import type { Attempt, MessageFacts, RecipientRecord } from '../../domain/message.ts';
import type { Claim, DeliveryStore, Lease, Settled, Settlement } from '../ports/delivery-store.ts';
import type { MessageStore } from '../ports/message-store.ts';
import { earliest } from '../rules/due-time.ts';
import { ChunkReader } from './chunk-reader.ts';
import { openForReading } from './database.ts';
import { encodeMessage } from './encode-message.ts';
import { GroupCommit, type Placed } from './group-commit.ts';
import { leaseOf, tokenOf } from './lease-token.ts';
import { MessageStoreClient } from './message-store-client.ts';
import type { AttemptItem, BatchAnswer, ClaimAnswer, ClaimedMessage, Greeting, SettlementItem } from './protocol.ts';
import { wakeBatch } from './queue-actions.ts';

type Message = Greeting | BatchAnswer | ClaimAnswer;

/** Bytes of mail made in this thread that wait for the disk, beyond which it is told to hold on. */
const mostUnwritten = 64 * 1024 * 1024;

interface Waiting {
  readonly resolve: (claims: Claim[]) => void;
  readonly reject: (error: SluiceError) => void;
  aborted: boolean;
}

/** The store as the relay thread sees it. */
export interface DeliveryConnection {
  readonly deliveries: DeliveryStore;
  /** For mail that plugins of the worker send. */
  readonly messages: MessageStore;
  /** Waits until everything handed over is written, then lets go of port and database. */
  close(): Promise<void>;
}

/** Connects a thread to the writer by a port that `SqliteStore.deliveryPort()` made. */
export function connectDeliveryStore(port: MessagePort): DeliveryConnection {
  const client = new DeliveryClient(port);
  const room = (): boolean => client.commits.unwritten < mostUnwritten;
  return {
    deliveries: client,
    messages: new MessageStoreClient(client.commits, (id, n) => client.readChunk(id, n), room),
    close: () => client.close(),
  };
}

class DeliveryClient implements DeliveryStore {
  readonly commits: GroupCommit;
  readonly #port: MessagePort;
  readonly #file: Promise<string>;
  readonly #waiting = new Map<number, Waiting>();
  #database: DatabaseSync | null = null;
  #chunks: ChunkReader | null = null;
  #claims = 0;
  #gone: SluiceError | null = null;

  constructor(port: MessagePort) {
    this.#port = port;
    this.commits = new GroupCommit(port);
    const greeting = Promise.withResolvers<string>();
    this.#file = greeting.promise;
    this.#file.catch(() => {});
    port.on('message', (message: Message) => {
      if ('batch' in message) this.commits.answered(message);
      else if ('claim' in message) this.#claimed(message);
      else greeting.resolve(message.file);
    });
    port.on('close', () => {
      const error = new SluiceError('STORE_UNAVAILABLE', 'The thread that writes the database has ended; see the log');
      this.#gone = error;
      greeting.reject(error);
      this.commits.fail(error);
      for (const waiting of this.#waiting.values()) {
        if (waiting.aborted) waiting.resolve([]);
        else waiting.reject(error);
      }
      this.#waiting.clear();
    });
  }

  claim(options: { limit: number; worker: string; leaseMilliseconds: number; signal: AbortSignal }): Promise<Claim[]> {
    const { limit, leaseMilliseconds, signal } = options;
    if (signal.aborted) return Promise.resolve([]);
    if (this.#gone !== null) return Promise.reject(this.#gone);
    this.#claims += 1;
    const number = this.#claims;
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        waiting.aborted = true;
        this.commits.tell({ kind: 'cancel-claim', number });
      };
      const done = (): void => signal.removeEventListener('abort', abort);
      const waiting: Waiting = {
        aborted: false,
        resolve: (claims) => {
          done();
          resolve(claims);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      this.#waiting.set(number, waiting);
      signal.addEventListener('abort', abort);
      this.commits.tell({ kind: 'claim', number, limit, leaseMilliseconds });
    });
  }

  async renew(leases: readonly Lease[], leaseMilliseconds: number): Promise<readonly string[]> {
    const sentAt = Date.now();
    const rows = leases.map(({ token }) => leaseOf(token));
    const lost = (await this.commits.add({ kind: 'renew', leases: rows, leaseMilliseconds })) as readonly string[];
    for (const lease of leases) if (!lost.includes(lease.token)) lease.until = sentAt + leaseMilliseconds;
    return lost;
  }

  settle({ lease, recipients, attempts, generated, release }: Settlement): Promise<Settled> {
    const bodies: Placed[] = [];
    const items = generated.map((message) => {
      const target = encodeMessage(message);
      if (message.body.kind === 'inline') bodies.push({ target, bytes: message.body.bytes });
      return target;
    });
    const item: SettlementItem = {
      kind: 'settlement',
      ...leaseOf(lease.token),
      recipients: JSON.stringify(recipients),
      attempts: attempts.map(attemptItem),
      generated: items,
      release,
    };
    return this.commits.add(item, bodies) as Promise<Settled>;
  }

  /** On a connection of this thread: a large body is read without a detour, and never delays the writer. */
  async readChunk(id: string, n: number): Promise<Uint8Array | null> {
    if (this.#chunks === null) {
      const file = await this.#file;
      this.#database ??= openForReading(file);
      this.#chunks ??= new ChunkReader(this.#database);
    }
    return this.#chunks.readChunk(id, n);
  }

  async wakeUpstream(upstream: string, spreadMilliseconds: number): Promise<number> {
    let woken = 0;
    for (let last = wakeBatch; last === wakeBatch; woken += last) {
      last = await this.commits.call('wake', upstream, spreadMilliseconds);
    }
    return woken;
  }

  async close(): Promise<void> {
    await this.commits.drained();
    this.#database?.close();
    this.#port.close();
  }

  #claimed({ claim, messages, slab }: ClaimAnswer): void {
    const waiting = this.#waiting.get(claim);
    this.#waiting.delete(claim);
    if (waiting === undefined || waiting.aborted) {
      for (const message of messages) this.#giveBack(message);
      waiting?.resolve([]);
    } else {
      waiting.resolve(messages.map((message) => claimOf(message, slab)));
    }
  }

  /** Claimed after the asker had gone: nothing was tried, so the lease just ends. */
  #giveBack({ seq, lease }: ClaimedMessage): void {
    this.commits.tell({ kind: 'settlement', seq, lease, recipients: '[]', attempts: [], generated: [], release: true });
  }
}

const attemptItem = (attempt: Attempt): AttemptItem => ({
  upstream: attempt.upstream,
  milliseconds: attempt.milliseconds,
  json: JSON.stringify(attempt),
});

function claimOf(message: ClaimedMessage, slab: ArrayBuffer): Claim {
  const facts = JSON.parse(message.facts) as MessageFacts;
  const recipients = JSON.parse(message.recipients) as RecipientRecord[];
  return {
    record: Object.assign(facts, { recipients, nextAt: earliest(recipients), requested: null }),
    lease: { messageId: facts.id, token: tokenOf(message), until: message.until },
    body: message.length < 0 ? null : new Uint8Array(slab, message.offset, message.length),
  };
}
