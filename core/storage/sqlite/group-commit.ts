import type { MessagePort } from 'node:worker_threads';
import { SluiceError } from '../../domain/errors.ts';
import type { CounterTotal } from '../ports/counters.ts';
import type { WriteProcedures } from './procedures.ts';
import { type Batch, type BatchAnswer, type BodyPlace, type Item, isFailure } from './protocol.ts';

/** Bounds of one batch. */
const mostItems = 500;
const mostBytes = 8 * 1024 * 1024;
/** What an item is reckoned at besides its bodies. */
const itemBytes = 1_024;

/** Bytes to be placed into the slab, and the part of an item that is told where. */
export interface Placed {
  readonly target: { body: BodyPlace };
  readonly bytes: Uint8Array;
}

interface Entry {
  readonly item: Item;
  readonly bodies: readonly Placed[];
  readonly bytes: number;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: SluiceError) => void;
}

/** Gives memory back now: V8 looks for large buffers that nobody uses only when many have come together. */
function letGo(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length) buffer.transfer(0);
}

const nothing: readonly Placed[] = [];
const ignore = (): void => {};

/**
 * A thread's side of the group commit: what comes while a batch is in flight goes with the next one, in one post with
 * one buffer. Rejections are `SluiceError`s: `STORE_FULL`, `STORE_UNAVAILABLE`, or what concerns one item alone.
 */
export class GroupCommit {
  readonly #port: MessagePort;
  #pending: Entry[] = [];
  #inFlight: Entry[] = [];
  #counters = new Map<string, CounterTotal>();
  #countersInFlight: readonly CounterTotal[] = [];
  #drainCounters: () => readonly CounterTotal[] = () => [];
  #batch = 0;
  #scheduled = false;
  #unwritten = 0;
  #dead: SluiceError | null = null;
  #idle: (() => void)[] = [];

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** Bytes handed over and not known to be durable. */
  get unwritten(): number {
    return this.#unwritten;
  }

  /** Asked before each batch; what it answers is written with the batch. */
  attachCounters(drain: () => readonly CounterTotal[]): void {
    this.#drainCounters = drain;
  }

  /** Hands an item over; resolves with the writer's answer once its transaction is durable. */
  add(item: Item, bodies: readonly Placed[] = nothing): Promise<unknown> {
    return new Promise((resolve, reject) => this.#push(item, bodies, resolve, reject));
  }

  /** Takes back what is not in flight yet: it is not stored, and its `add` rejects with `STORE_UNAVAILABLE`. */
  withdraw(meant: (item: Item) => boolean): void {
    const withdrawn = this.#pending.filter(({ item }) => meant(item));
    if (withdrawn.length === 0) return;
    this.#pending = this.#pending.filter(({ item }) => !meant(item));
    for (const { bytes, reject } of withdrawn) {
      this.#unwritten -= bytes;
      reject(new SluiceError('STORE_UNAVAILABLE', 'The database did not write it in time'));
    }
  }

  /** The same for what nobody waits for. */
  tell(item: Item): void {
    if (this.#dead === null) this.#push(item, nothing, ignore, ignore);
  }

  call<M extends keyof WriteProcedures>(
    method: M,
    ...parameters: Parameters<WriteProcedures[M]>
  ): Promise<ReturnType<WriteProcedures[M]>> {
    return this.add({ kind: 'call', method, parameters }) as Promise<ReturnType<WriteProcedures[M]>>;
  }

  /** An answer of the writer to the batch in flight. */
  answered({ answers, stored }: BatchAnswer): void {
    const entries = this.#inFlight;
    this.#inFlight = [];
    if (!stored) this.#keepCounters();
    this.#countersInFlight = [];
    entries.forEach((entry, index) => {
      this.#unwritten -= entry.bytes;
      const answer = answers?.[index];
      if (isFailure(answer)) entry.reject(new SluiceError(answer.failed, answer.message));
      else entry.resolve(answer);
    });
    if (this.#pending.length > 0) this.#schedule();
    else this.#nowIdle();
  }

  /** The writer is gone: nothing that waits is known to be stored. */
  fail(error: SluiceError): void {
    if (this.#dead !== null) return;
    this.#dead = error;
    const entries = [...this.#inFlight, ...this.#pending];
    this.#inFlight = [];
    this.#pending = [];
    this.#unwritten = 0;
    for (const entry of entries) entry.reject(error);
    this.#nowIdle();
  }

  /** Resolves once nothing is pending or in flight, counters included. */
  async drained(): Promise<void> {
    if (this.#dead !== null) return;
    this.#takeCounters();
    if (this.#counters.size > 0) this.#schedule();
    if (this.#pending.length + this.#inFlight.length + this.#counters.size + this.#countersInFlight.length === 0)
      return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #push(item: Item, bodies: readonly Placed[], resolve: Entry['resolve'], reject: Entry['reject']): void {
    if (this.#dead !== null) {
      reject(this.#dead);
      return;
    }
    let bytes = itemBytes;
    for (const body of bodies) bytes += body.bytes.length;
    this.#unwritten += bytes;
    this.#pending.push({ item, bodies, bytes, resolve, reject });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight.length > 0 || this.#countersInFlight.length > 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#dead === null) this.#post();
    });
  }

  #post(): void {
    const { count, total } = this.#measure();
    const entries = this.#pending.slice(0, count);
    this.#pending = this.#pending.slice(count);
    const slab = new Uint8Array(new ArrayBuffer(total));
    let offset = 0;
    const items = entries.map(({ item, bodies }) => {
      for (const { target, bytes } of bodies) {
        slab.set(bytes, offset);
        target.body = { chunks: 1, offset, length: bytes.length };
        offset += bytes.length;
        if (item.kind === 'chunk') letGo(bytes);
      }
      return item;
    });
    this.#takeCounters();
    const counters = [...this.#counters.values()];
    this.#counters = new Map();
    this.#inFlight = entries;
    this.#countersInFlight = counters;
    this.#batch += 1;
    const batch: Batch = { batch: this.#batch, items, slab: slab.buffer, counters };
    this.#port.postMessage(batch, [slab.buffer]);
  }

  /** How many entries fit into the next batch (always one), and the bytes of their bodies. */
  #measure(): { count: number; total: number } {
    let count = 0;
    let total = 0;
    for (const { bytes } of this.#pending) {
      const size = bytes - itemBytes;
      if (count > 0 && (count >= mostItems || total + size > mostBytes)) break;
      count += 1;
      total += size;
    }
    return { count, total };
  }

  #takeCounters(): void {
    for (const total of this.#drainCounters()) this.#counters.set(`${total.owner} ${total.window}`, total);
  }

  /** Totals that could not be written go with the next batch, unless they changed meanwhile. */
  #keepCounters(): void {
    for (const total of this.#countersInFlight) {
      const key = `${total.owner} ${total.window}`;
      if (!this.#counters.has(key)) this.#counters.set(key, total);
    }
  }

  #nowIdle(): void {
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }
}
