import { SluiceError } from '../../../core/domain/errors.ts';
import { asTold, type ToldError, toTell } from './told-error.ts';

/** By the name of a question: what is asked, and what is answered. */
type Questions = { readonly [what: string]: readonly [asked: unknown, answered: unknown] };

export type Answerer<Q extends Questions> = {
  readonly [W in keyof Q]: (asked: Q[W][0]) => Q[W][1] | Promise<Q[W][1]>;
};

/** The way to another process of this machine, as Node gives it to parent and child. */
export interface ChannelEnd {
  send(message: object): void;
  listen(hear: (message: unknown) => void): void;
}

type Message =
  | { readonly sluice: 'ask'; readonly id: number; readonly what: string; readonly value: unknown }
  | { readonly sluice: 'tell'; readonly what: string; readonly value: unknown }
  | { readonly sluice: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly sluice: 'error'; readonly id: number; readonly error: ToldError };

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Node's own messages and those of libraries go the same way. */
const isOurs = (message: unknown): message is Message =>
  typeof message === 'object' && message !== null && 'sluice' in message;

/** Questions and answers between two processes. Both are of the same release, so that shapes are not checked. */
export class Channel<Mine extends Questions, Theirs extends Questions> {
  readonly #end: ChannelEnd;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  #closed: Error | null = null;

  constructor(end: ChannelEnd, answers: Answerer<Theirs>) {
    this.#end = end;
    end.listen((message) => {
      if (isOurs(message)) this.#hear(message, answers);
    });
  }

  /** Rejects with what the other end threw, `SERVICE_UNAVAILABLE` after `patience` milliseconds, or once it is closed. */
  ask<W extends keyof Mine & string>(what: W, value: Mine[W][0], patience?: number): Promise<Mine[W][1]> {
    const { promise, resolve, reject } = Promise.withResolvers<Mine[W][1]>();
    if (this.#closed !== null) {
      reject(this.#closed);
      return promise;
    }
    const id = ++this.#asked;
    this.#waiting.set(id, { resolve: (answer) => resolve(answer as Mine[W][1]), reject });
    this.#end.send({ sluice: 'ask', id, what, value } satisfies Message);
    if (patience === undefined) return promise;
    const late = setTimeout(() => {
      this.#waiting.delete(id);
      reject(new SluiceError('SERVICE_UNAVAILABLE', `a process of this machine did not answer in time (${what})`));
    }, patience);
    return promise.finally(() => clearTimeout(late));
  }

  /** As `ask`, but nothing is answered: for what the other end has only to know. */
  tell<W extends keyof Mine & string>(what: W, value: Mine[W][0]): void {
    if (this.#closed === null) this.#end.send({ sluice: 'tell', what, value } satisfies Message);
  }

  /** The other end is gone: nobody waits for it any more. */
  close(): void {
    if (this.#closed !== null) return;
    this.#closed = new SluiceError('SERVICE_UNAVAILABLE', 'a process of this machine ended');
    for (const { reject } of this.#waiting.values()) reject(this.#closed);
    this.#waiting.clear();
  }

  #hear(message: Message, answers: Answerer<Theirs>): void {
    if (message.sluice === 'tell') {
      void answers[message.what]?.(message.value as never);
      return;
    }
    if (message.sluice === 'ask') {
      this.#answer(message, answers);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.sluice === 'answer') waiting?.resolve(message.value);
    else waiting?.reject(asTold(message.error));
  }

  #answer({ id, what, value }: Message & { sluice: 'ask' }, answers: Answerer<Theirs>): void {
    const respond = async () => answers[what]?.(value as never);
    respond().then(
      (answer) => this.#end.send({ sluice: 'answer', id, value: answer } satisfies Message),
      (error: unknown) => this.#end.send({ sluice: 'error', id, error: toTell(error) } satisfies Message),
    );
  }
}
