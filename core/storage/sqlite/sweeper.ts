import { RepeatedSweep } from '../rules/repeated-sweep.ts';
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
export class Sweeper extends RepeatedSweep {
  readonly #commits: GroupCommit;
  readonly #reader: ReaderClient;
  readonly #times: RetentionTimes;
  readonly #now: () => number;

  constructor(commits: GroupCommit, reader: ReaderClient, times: RetentionTimes, now: () => number = Date.now) {
    super();
    this.#commits = commits;
    this.#reader = reader;
    this.#times = times;
    this.#now = now;
  }

  protected async work(): Promise<void> {
    const today = Math.floor((this.#now() - closingDelay) / dayMilliseconds);
    while (!this.stopped) {
      const closing = await this.#reader.call('dayToClose', today);
      if (closing === null) break;
      await this.#commits.call('closeDay', closing.day, JSON.stringify(closing.counts));
    }
    while (!this.stopped && (await this.#commits.call('retain', this.#times)) > 0);
  }
}
