/** What a claim needs of a message beyond its row in the queue. */
export interface FreshMessage {
  readonly seq: number;
  readonly facts: string;
  readonly body: Uint8Array;
}

/**
 * Messages that were committed but not claimed yet, first in, first out, so that they need not be read again. Past its
 * bounds a message is only in the database. Losing an entry costs a read, no more.
 */
export class FreshMessages {
  readonly #messages = new Map<number, FreshMessage>();
  readonly #most: number;
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(most = 4_000, mostBytes = 16 * 1024 * 1024) {
    this.#most = most;
    this.#mostBytes = mostBytes;
  }

  get size(): number {
    return this.#messages.size;
  }

  add(message: FreshMessage): void {
    if (this.#messages.size >= this.#most || this.#bytes + message.body.length > this.#mostBytes) return;
    this.#messages.set(message.seq, message);
    this.#bytes += message.body.length;
  }

  /** The oldest `count`, still in place. */
  first(count: number): number[] {
    const sequence: number[] = [];
    for (const seq of this.#messages.keys()) {
      if (sequence.length >= count) break;
      sequence.push(seq);
    }
    return sequence;
  }

  take(seq: number): FreshMessage | undefined {
    const message = this.#messages.get(seq);
    if (message !== undefined) {
      this.#messages.delete(seq);
      this.#bytes -= message.body.length;
    }
    return message;
  }
}
