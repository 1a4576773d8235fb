import { dayMilliseconds } from '../rules/time-spans.ts';
import type { GroupCommit } from './group-commit.ts';
import type { ReaderClient } from './reader-client.ts';
import type { RetentionTimes } from './retention.ts';

/** A lease may outlive midnight; a day is closed once none from it can. */
const closingDelay = 600_000;

/**
 * Closes finished days of the conservation sum and deletes what is past its time, a batch a commit, so that mail that
 * comes meanwhile waits for one batch at most. Days are counted on the reader thread.
 */
export class Sweeper {
  readonly #commits: GroupCommit;
  readonly #reader: ReaderClient;
  readonly #times: RetentionTimes;
  readonly #now: () => number;
  #running: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(commits: GroupCommit, reader: ReaderClient, times: RetentionTimes, now: () => number = Date.now) {
    this.#commits = commits;
    this.#reader = reader;
    this.#times = times;
    this.#now = now;
  }

  /** Sweeps every `milliseconds`; `failed` is told of errors (a full disk, for one), the next sweep tries again. */
  start(milliseconds: number, failed: (error: unknown) => void): void {
    this.#timer = setInterval(() => this.sweep().catch(failed), milliseconds).unref();
  }

  /** One whole sweep; a second one asked for meanwhile is the same. */
  sweep(): Promise<void> {
    this.#running ??= this.#sweep().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#running?.catch(() => {});
  }

  async #sweep(): Promise<void> {
    const today = Math.floor((this.#now() - closingDelay) / dayMilliseconds);
    while (!this.#stopped) {
      const closing = await this.#reader.call('dayToClose', today);
      if (closing === null) break;
      await this.#commits.call('closeDay', closing.day, JSON.stringify(closing.counts));
    }
    while (!this.#stopped && (await this.#commits.call('retain', this.#times)) > 0);
  }
}
