import { Worker } from 'node:worker_threads';
import { SluiceError } from '../../domain/errors.ts';
import { moduleBeside } from '../../domain/module-beside.ts';
import type { Failure } from './protocol.ts';
import type { ReadProcedures } from './read-procedures.ts';
import type { ReaderThreadData } from './reader-thread.ts';

export interface ReadCall {
  readonly call: number;
  readonly method: keyof ReadProcedures;
  readonly parameters: readonly unknown[];
}

export type ReadAnswer =
  | { readonly call: number; readonly result: unknown; readonly failure?: never }
  | { readonly call: number; readonly failure: Failure };

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: SluiceError) => void;
}

/** A thread that reads, so that no question of the API delays mail. Started by the first question. */
export class ReaderClient {
  readonly #data: ReaderThreadData;
  readonly #name: string;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #calls = 0;
  #closed = false;

  constructor(file: string, name: string) {
    this.#data = { file };
    this.#name = name;
  }

  call<M extends keyof ReadProcedures>(
    method: M,
    ...parameters: Parameters<ReadProcedures[M]>
  ): Promise<ReturnType<ReadProcedures[M]>> {
    if (this.#closed) return Promise.reject(gone());
    const worker = this.#start();
    this.#calls += 1;
    const call = this.#calls;
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve: resolve as Waiting['resolve'], reject });
      worker.postMessage({ call, method, parameters } satisfies ReadCall);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const worker = this.#worker;
    if (worker === null) return;
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    worker.postMessage('close');
    await ended;
  }

  #start(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = new Worker(moduleBeside('./reader-thread', import.meta.url), {
      name: this.#name,
      workerData: this.#data,
    });
    worker.on('message', (answer: ReadAnswer) => {
      const waiting = this.#waiting.get(answer.call);
      this.#waiting.delete(answer.call);
      if (answer.failure === undefined) waiting?.resolve(answer.result);
      else waiting?.reject(new SluiceError(answer.failure.failed, answer.failure.message));
    });
    const ended = (cause?: unknown): void => {
      if (this.#worker === worker) this.#worker = null;
      for (const { reject } of this.#waiting.values()) reject(gone(cause));
      this.#waiting.clear();
    };
    worker.on('error', ended);
    worker.on('exit', () => ended());
    this.#worker = worker;
    return worker;
  }
}

const gone = (cause?: unknown): SluiceError =>
  new SluiceError('STORE_UNAVAILABLE', 'The thread that reads the database has ended; see the log', { cause });
