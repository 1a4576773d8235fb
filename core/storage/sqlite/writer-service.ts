import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { CounterTotal } from '../ports/counters.ts';
import type { Settled } from '../ports/delivery-store.ts';
import { HeldLeases } from './held-leases.ts';
import { tokenOf } from './lease-token.ts';
import { packClaims } from './pack-claims.ts';
import type { Batch, BatchAnswer, ClaimItem, EventNotice, Greeting, Item, Lease } from './protocol.ts';
import type { Work, Writer } from './writer.ts';

const canWait = ({ items, counters }: Batch): boolean =>
  counters.length === 0 && items.every(({ kind }) => kind === 'settlement' || kind === 'claim');

/** Gives back a buffer of pieces, which are in the database now; messages in it may still be on their way to the relay. */
function letGo({ items, slab }: Batch): void {
  if (slab.byteLength > 0 && !items.some(({ kind }) => kind === 'message')) slab.transfer(0);
}

interface WaitingClaim extends ClaimItem {
  readonly port: MessagePort;
}

interface Received {
  readonly port: MessagePort;
  readonly batch: Batch;
}

/** How often leases are looked through, and the longest wait before the queue is looked at again (the clock may step). */
const leaseCheckMilliseconds = 1_000;
const longestWait = 30_000;
/**
 * While mail came in within the last `busy`, outcomes and claims wait up to `gather` to share its commit. Those who watch
 * events are told of them once in `tell`.
 */
const milliseconds = { busy: 10, gather: 4, tell: 20 } as const;

/**
 * Serves the ports of the writer thread: everything that arrived while the last transaction ran becomes the next one.
 * A claim that finds nothing waits here until mail comes in or becomes due; nothing is polled.
 */
export class WriterService {
  readonly #writer: Writer;
  readonly #file: string;
  readonly #ports = new Set<MessagePort>();
  readonly #leases = new HeldLeases();
  #waiting: WaitingClaim[] = [];
  #wake: NodeJS.Timeout | undefined;
  /** Outcomes and claims that wait for the next commit of mail. */
  #held: Received[] = [];
  #gather: NodeJS.Timeout | undefined;
  readonly #watching = new Set<MessagePort>();
  #toldEvent = 0;
  #tell: NodeJS.Timeout | undefined;
  #intakeAt = Number.NEGATIVE_INFINITY;
  readonly #leaseCheck: NodeJS.Timeout;

  constructor(writer: Writer, file: string) {
    this.#writer = writer;
    this.#file = file;
    this.#leaseCheck = setInterval(() => this.#abandon(this.#leases.expired()), leaseCheckMilliseconds);
  }

  serve(port: MessagePort): void {
    this.#ports.add(port);
    port.on('message', (batch: Batch) => this.#receive({ port, batch }));
    port.on('close', () => {
      this.#ports.delete(port);
      this.#watching.delete(port);
      this.#waiting = this.#waiting.filter((claim) => claim.port !== port);
      this.#abandon(this.#leases.of(port));
    });
    port.postMessage({ file: this.#file } satisfies Greeting);
  }

  /** Answers what is still queued and stops. */
  close(): void {
    clearInterval(this.#leaseCheck);
    clearTimeout(this.#wake);
    this.#run([]);
    clearTimeout(this.#wake);
    clearTimeout(this.#tell);
    for (const port of this.#ports) {
      port.removeAllListeners('close');
      port.close();
    }
  }

  /** Nobody waits for an outcome to be written: it starts a commit of its own only where no mail is coming in. */
  #receive(received: Received): void {
    if (performance.now() - this.#intakeAt > milliseconds.busy || !canWait(received.batch)) {
      this.#run([received]);
      return;
    }
    this.#held.push(received);
    this.#gather ??= setTimeout(() => this.#run([]), milliseconds.gather);
  }

  #run(arrived: Received[]): void {
    const received = [...this.#held, ...arrived];
    this.#held = [];
    clearTimeout(this.#gather);
    this.#gather = undefined;
    this.#drain(received);
    const work: Work[] = [];
    const counters: CounterTotal[] = [];
    for (const { port, batch } of received) {
      for (const item of batch.items) {
        work.push({ item, slab: batch.slab });
        if (item.kind === 'message') this.#intakeAt = performance.now();
        this.#noteClaim(item, port);
        if (item.kind === 'watch-events') this.#watch(port, item.on);
      }
      counters.push(...batch.counters);
    }
    const waiting = this.#waiting;
    const { answers, claimed, stored } = this.#writer.write(work, waiting, counters);
    let from = 0;
    for (const { port, batch } of received) {
      const mine = answers.slice(from, from + batch.items.length);
      from += batch.items.length;
      batch.items.forEach((item, index) => {
        if (item.kind === 'renew') mine[index] = this.#renew(item.leases, item.leaseMilliseconds);
        else if (item.kind === 'settlement') this.#noteSettled(item, mine[index]);
      });
      const silent = mine.every((answer) => answer === undefined);
      port.postMessage({ batch: batch.batch, stored, answers: silent ? null : mine } satisfies BatchAnswer);
    }
    for (const { batch } of received) letGo(batch);
    this.#tellOfEvents();
    this.#waiting = waiting.filter((claim, index) => {
      const messages = claimed[index] ?? [];
      if (messages.length === 0) return true;
      for (const message of messages) this.#leases.add(message, claim.port, claim.leaseMilliseconds);
      const answer = packClaims(claim.number, messages, Date.now() + claim.leaseMilliseconds);
      claim.port.postMessage(answer, [answer.slab]);
      return false;
    });
    this.#setWake();
  }

  #watch(port: MessagePort, on: boolean): void {
    if (on) this.#watching.add(port);
    else this.#watching.delete(port);
  }

  /** Not at once, so that those who watch cost next to nothing, however much mail there is. */
  #tellOfEvents(): void {
    if (this.#watching.size === 0 || this.#tell !== undefined || this.#writer.newestEvent === this.#toldEvent) return;
    this.#tell = setTimeout(() => {
      this.#tell = undefined;
      this.#toldEvent = this.#writer.newestEvent;
      for (const port of this.#watching) port.postMessage({ newestEvent: this.#toldEvent } satisfies EventNotice);
    }, milliseconds.tell);
  }

  /** Takes everything else that waits on any port. */
  #drain(received: Received[]): void {
    for (const port of this.#ports) {
      for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
        received.push({ port, batch: next.message as Batch });
      }
    }
  }

  #noteClaim(item: Item, port: MessagePort): void {
    if (item.kind === 'claim') this.#waiting.push({ ...item, port });
    else if (item.kind === 'cancel-claim') {
      const index = this.#waiting.findIndex((claim) => claim.port === port && claim.number === item.number);
      if (index === -1) return;
      this.#waiting.splice(index, 1);
      const answer = packClaims(item.number, [], 0);
      port.postMessage(answer, [answer.slab]);
    }
  }

  #noteSettled(item: Lease & { readonly release: boolean }, answer: unknown): void {
    if (item.release && (answer as Partial<Settled> | undefined)?.status === 'settled') this.#leases.end(item);
  }

  /** Tokens of the leases that were lost. */
  #renew(leases: readonly Lease[], milliseconds: number): string[] {
    return leases.filter((lease) => !this.#leases.renew(lease, milliseconds)).map(tokenOf);
  }

  #abandon(leases: readonly Lease[]): void {
    if (leases.length === 0) return;
    try {
      this.#writer.abandon(leases);
      this.#tellOfEvents();
      for (const lease of leases) this.#leases.end(lease);
      this.#setWake();
    } catch {
      // The disk cannot be written; the next check tries again.
    }
  }

  /** Looks again when the next message becomes due; after a claim that failed because of the disk, in a second. */
  #setWake(): void {
    clearTimeout(this.#wake);
    if (this.#waiting.length === 0) return;
    const due = this.#writer.nextDue();
    if (due === null) return;
    const wait = due - Date.now();
    this.#wake = setTimeout(() => this.#run([]), wait <= 0 ? 1_000 : Math.min(wait, longestWait));
  }
}
