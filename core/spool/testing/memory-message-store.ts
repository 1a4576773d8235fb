import type { RefusalRecord } from '../../domain/message.ts';
import { chunkSize, type MessageStore, type NewMessage } from '../../storage/ports/message-store.ts';

/** A message store in memory that keeps to the port's rules, takes bytes away like a thread would, and can be made to fail. */
export class MemoryMessageStore implements MessageStore {
  readonly committed: NewMessage[] = [];
  readonly refusals: RefusalRecord[] = [];
  readonly pieces = new Map<string, Uint8Array[]>();
  /** Set to make every write fail with it. */
  failure: Error | null = null;
  /** Most octets that were handed over and not yet written. */
  mostPending = 0;
  #pending = 0;

  async beginBody(id: string): Promise<void> {
    this.#check();
    if (this.pieces.has(id)) throw new Error(`body ${id} was begun already`);
    this.pieces.set(id, []);
  }

  async writeChunk(id: string, n: number, bytes: Uint8Array): Promise<void> {
    if (bytes.length > chunkSize) throw new Error(`a piece of ${bytes.length} octets`);
    const taken = takeAway(bytes);
    this.#pending += taken.length;
    this.mostPending = Math.max(this.mostPending, this.#pending);
    await new Promise((resolve) => setImmediate(resolve));
    this.#pending -= taken.length;
    this.#check();
    const pieces = this.pieces.get(id);
    if (pieces === undefined || pieces.length !== n) throw new Error(`piece ${n} of ${id} does not follow`);
    pieces.push(taken);
  }

  async readChunk(id: string, n: number): Promise<Uint8Array | null> {
    return this.pieces.get(id)?.[n] ?? null;
  }

  abandonBody(id: string): void {
    this.pieces.delete(id);
  }

  async commit(message: NewMessage): Promise<void> {
    const body =
      message.body.kind === 'inline' ? { ...message.body, bytes: takeAway(message.body.bytes) } : message.body;
    await new Promise((resolve) => setImmediate(resolve));
    this.#check();
    this.committed.push(structuredClone({ ...message, body }));
  }

  giveUp(): void {
    // Its writes begin at once.
  }

  recordRefusal(refusal: RefusalRecord): void {
    this.refusals.push(refusal);
  }

  hasRoom(): boolean {
    return this.failure === null;
  }

  /** The stored bytes of a committed message, in one piece. */
  stored(id: string): Buffer {
    const message = this.committed.find(({ facts }) => facts.id === id);
    if (message?.body.kind === 'inline') return Buffer.from(message.body.bytes);
    return Buffer.concat(this.pieces.get(id) ?? []);
  }

  #check(): void {
    if (this.failure !== null) throw this.failure;
  }
}

/** Transfers the bytes, which only works where they own their whole ArrayBuffer. */
function takeAway(bytes: Uint8Array): Uint8Array {
  if (bytes.byteOffset !== 0 || bytes.byteLength !== bytes.buffer.byteLength) {
    throw new Error('bytes that are handed over have to own their ArrayBuffer');
  }
  return structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
}
