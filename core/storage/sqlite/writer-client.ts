import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { SluiceError } from '../../domain/errors.ts';
import { moduleBeside } from '../../domain/module-beside.ts';
import { GroupCommit } from './group-commit.ts';
import type { BatchAnswer, EventNotice, Greeting } from './protocol.ts';
import type { WriterCommand, WriterReport, WriterThreadData } from './writer-thread.ts';

/** What the writer found when it opened the database. */
export interface WriterStart {
  /** Why the mark beside the database told nothing, or what loss was accepted. */
  readonly warning: string | null;
  /** Leases that were open when the last process ended. */
  readonly abandoned: number;
}

const gone = (cause: unknown): SluiceError =>
  new SluiceError('STORE_UNAVAILABLE', 'The thread that writes the database has ended; see the log', { cause });

/** Starts, feeds and ends the writer thread. */
export class WriterClient {
  readonly commits: GroupCommit;
  readonly start: WriterStart;
  /** Called soon after events were stored, while `watch-events` is on. */
  onEvents: () => void = () => {};
  readonly #worker: Worker;
  #closing = false;

  constructor(worker: Worker, start: WriterStart, failed: (error: SluiceError) => void) {
    this.#worker = worker;
    this.start = start;
    const { port1, port2 } = new MessageChannel();
    this.commits = new GroupCommit(port1);
    port1.on('message', (message: BatchAnswer | EventNotice | Greeting) => {
      if ('batch' in message) this.commits.answered(message);
      else if ('newestEvent' in message) this.onEvents();
    });
    this.#serve(port2);
    const end = (cause: unknown): void => {
      port1.close();
      if (this.#closing) return;
      this.#closing = true;
      const error = gone(cause);
      this.commits.fail(error);
      failed(error);
    };
    worker.on('error', end);
    worker.on('exit', () => end(undefined));
  }

  /** Resolves once the database is open; rejects with the reason why it cannot be. */
  static open(data: WriterThreadData, failed: (error: SluiceError) => void): Promise<WriterClient> {
    const worker = new Worker(moduleBeside('./writer-thread', import.meta.url), { name: 'writer', workerData: data });
    return new Promise((resolve, reject) => {
      worker.once('error', (error) => reject(gone(error)));
      worker.once('message', (report: WriterReport) => {
        worker.removeAllListeners('error');
        if (report.report === 'ready') {
          resolve(new WriterClient(worker, { warning: report.warning, abandoned: report.abandoned }, failed));
        } else if (report.report === 'failed') {
          worker.once('exit', () => reject(new SluiceError(report.failure.failed, report.failure.message)));
        }
      });
    });
  }

  /** A port for another thread, served like that of this one. */
  port(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#serve(port1);
    return port2;
  }

  /** Waits for everything handed over, then has the WAL copied into the database and the thread ended. */
  async close(): Promise<void> {
    await this.commits.drained();
    if (this.#closing) return;
    this.#closing = true;
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve));
    this.#command({ close: true });
    await ended;
  }

  #serve(port: MessagePort): void {
    this.#command({ serve: port }, port);
  }

  #command(command: WriterCommand, ...transfer: MessagePort[]): void {
    this.#worker.postMessage(command, transfer);
  }
}
