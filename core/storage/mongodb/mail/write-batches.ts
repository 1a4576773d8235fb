import { SluiceError } from '../../../domain/errors.ts';

/** Items of one batch, and the moment (`performance.now()`) by which all of them must be answered. */
export interface Batch<Item> {
  readonly items: readonly Item[];
  readonly deadline: number;
}

/** One answer an item; an error is what the giver of that item alone is told. */
export type Answers<Answer> = readonly (Answer | SluiceError)[];

interface Entry<Item, Answer> {
  readonly item: Item;
  readonly bytes: number;
  readonly deadline: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

const mostItems = 500;
const mostBytes = 8 * 1024 * 1024;
/** Within this whoever handed something over knows what became of it: a client waits for its reply. */
const answerMilliseconds = 8_000;

/** Until when (`performance.now()`) something that begins now has to be answered, however many writes it takes. */
export const answerBy = (): number => performance.now() + answerMilliseconds;

/**
 * Gathers what arrives while a write is under way into the next one. One write at a time: what comes to a database that
 * is slow makes batches larger, not more of them.
 */
export class WriteBatches<Item, Answer> {
  readonly #write: (batch: Batch<Item>) => Promise<Answers<Answer>>;
  #pending: Entry<Item, Answer>[] = [];
  #scheduled = false;
  #writing = false;
  #unwritten = 0;
  #idle: (() => void)[] = [];

  /** `write` never rejects for one item's sake. */
  constructor(write: (batch: Batch<Item>) => Promise<Answers<Answer>>) {
    this.#write = write;
  }

  /** Bytes handed over and not answered for. */
  get unwritten(): number {
    return this.#unwritten;
  }

  /** Resolves with the answer to this item; rejects with `STORE_UNAVAILABLE` where none comes by the deadline. */
  add(item: Item, bytes: number, deadline = answerBy()): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#unwritten += bytes;
      this.#pending.push({ item, bytes, deadline, resolve, reject });
      this.#schedule();
    });
  }

  /** Takes back what is not being written yet: its `add` rejects with `STORE_UNAVAILABLE`. */
  withdraw(meant: (item: Item) => boolean): void {
    const withdrawn = this.#pending.filter(({ item }) => meant(item));
    if (withdrawn.length === 0) return;
    this.#pending = this.#pending.filter(({ item }) => !meant(item));
    for (const { bytes, reject } of withdrawn) {
      this.#unwritten -= bytes;
      reject(new SluiceError('STORE_UNAVAILABLE', 'The database did not write it in time'));
    }
  }

  /** Resolves once nothing waits or is being written. */
  async drained(): Promise<void> {
    while (this.#writing || this.#pending.length > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** What arrives in the same turn of the event loop goes together. */
  #schedule(): void {
    if (this.#scheduled || this.#writing) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    const entries = this.#take();
    if (entries.length === 0) return this.#nowIdle();
    const deadline = entries.reduce((earliest, entry) => Math.min(earliest, entry.deadline), Number.POSITIVE_INFINITY);
    this.#writing = true;
    try {
      const answers = await this.#write({ items: entries.map(({ item }) => item), deadline });
      entries.forEach((entry, index) => {
        const answer = answers[index] as Answer | SluiceError;
        if (answer instanceof SluiceError) entry.reject(answer);
        else entry.resolve(answer);
      });
    } catch (error) {
      for (const entry of entries) entry.reject(error);
    }
    for (const { bytes } of entries) this.#unwritten -= bytes;
    this.#writing = false;
    if (this.#pending.length > 0) this.#schedule();
    else this.#nowIdle();
  }

  /** The next batch; what waited too long behind another one is given up without being written. */
  #take(): readonly Entry<Item, Answer>[] {
    const now = performance.now();
    const entries: Entry<Item, Answer>[] = [];
    let bytes = 0;
    let taken = 0;
    for (const entry of this.#pending) {
      const late = entry.deadline <= now;
      if (!late && entries.length > 0 && (entries.length >= mostItems || bytes + entry.bytes > mostBytes)) break;
      taken += 1;
      if (late) {
        this.#unwritten -= entry.bytes;
        entry.reject(new SluiceError('STORE_UNAVAILABLE', 'The database was too slow; nothing was written'));
        continue;
      }
      entries.push(entry);
      bytes += entry.bytes;
    }
    this.#pending = this.#pending.slice(taken);
    return entries;
  }

  #nowIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
