import type { Config } from '../../../core/config/schema.ts';
import type { Logger } from '../../../core/observability/log.ts';
import { ConnectionCounts } from '../../../core/smtp/connection-counts.ts';
import { ChildProcess } from './child-process.ts';
import type { StartedChild } from './questions.ts';

/** Milliseconds. */
const pauses = {
  /** Before a process is started again that ended; doubled each time, up to `most`. */
  first: 500,
  most: 30_000,
  /** One that ran so long is taken for sound again. */
  sound: 60_000,
  /** One that does not end by itself is killed. */
  stop: 32_000,
};

export interface ChildProcessesOptions {
  readonly count: number;
  readonly config: Config;
  readonly log: Logger;
  /** A process ended that nobody had asked to. */
  readonly lost: (child: ChildProcess) => void;
}

/** The processes that share the listeners: one that ends is started again, after a pause that grows. */
export class ChildProcesses {
  readonly #options: ChildProcessesOptions;
  readonly #counts: ConnectionCounts;
  readonly #running = new Set<ChildProcess>();
  readonly #pauses = new Set<NodeJS.Timeout>();
  #stopping = false;

  constructor(options: ChildProcessesOptions) {
    this.#options = options;
    this.#counts = new ConnectionCounts(options.config.smtp.limits);
  }

  /**
   * Starts one, and the others once it takes mail: what is wrong with the configuration is said once. Throws why it
   * could not be started.
   */
  async start(): Promise<StartedChild> {
    this.#options.log.info({ processes: this.#options.count }, 'starting the processes that take mail');
    const first = this.#fork();
    const started = await first.started;
    this.#watch(first, performance.now(), 0);
    for (let n = 1; n < this.#options.count; n++) this.#run(0);
    return started;
  }

  /** Those that take mail. */
  get takingMail(): readonly ChildProcess[] {
    return [...this.#running].filter((child) => child.takesMail);
  }

  /** Lets what is in flight finish; resolves when all are gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const pause of this.#pauses) clearTimeout(pause);
    const children = [...this.#running];
    for (const child of children) child.signal('SIGTERM');
    const impatient = setTimeout(() => {
      for (const child of children) child.signal('SIGKILL');
    }, pauses.stop);
    await Promise.all(children.map(({ ended }) => ended));
    clearTimeout(impatient);
  }

  #fork(): ChildProcess {
    const child = new ChildProcess(this.#counts, this.#options.config);
    this.#running.add(child);
    void child.ended.then(() => this.#running.delete(child));
    child.started.then(
      () => this.#options.log.info({ child: child.pid }, 'a process takes mail'),
      () => {},
    );
    return child;
  }

  #run(failures: number): void {
    if (this.#stopping) return;
    const began = performance.now();
    const child = this.#fork();
    this.#watch(child, began, failures);
    child.started.catch((error: unknown) => {
      if (!this.#stopping) this.#options.log.error({ err: error, child: child.pid }, 'a process could not start');
    });
  }

  #watch(child: ChildProcess, began: number, failures: number): void {
    void child.ended.then(({ code, signal }) => {
      if (this.#stopping) return;
      this.#options.lost(child);
      const again = performance.now() - began < pauses.sound ? failures + 1 : 1;
      const pause = Math.min(pauses.first * 2 ** (again - 1), pauses.most);
      this.#options.log.error(
        { child: child.pid, code, signal, pause },
        'a process that takes mail ended; another follows',
      );
      const timer = setTimeout(() => {
        this.#pauses.delete(timer);
        this.#run(again);
      }, pause);
      this.#pauses.add(timer);
    });
  }
}
