import type { UpstreamHealth } from '../pipeline/upstream-board.ts';
import type { QueueState } from '../storage/ports/mail-log.ts';

export type { UpstreamHealth };

/** What the process knows of itself. `queue` is null while the store does not answer. */
export interface HealthReport {
  readonly store: 'up' | 'down';
  readonly queue: QueueState | null;
  readonly upstreams: readonly UpstreamHealth[];
  readonly startedAt: number;
}

export interface HealthSource {
  /** Never rejects, and answers within its deadline: a store that is late is `down`. */
  report(): Promise<HealthReport>;
}

/**
 * Asks the store at most once in `freshMilliseconds`, however often health is asked for, and takes one that has not
 * answered after `deadlineMilliseconds` for down.
 */
export function createHealth(options: {
  readonly queueState: () => Promise<QueueState>;
  readonly upstreams: () => readonly UpstreamHealth[];
  readonly startedAt: number;
  readonly freshMilliseconds?: number;
  readonly deadlineMilliseconds?: number;
}): HealthSource {
  const { queueState, upstreams, startedAt, freshMilliseconds = 1_000, deadlineMilliseconds = 2_000 } = options;
  let asked = Number.NEGATIVE_INFINITY;
  let answer: Promise<QueueState | null> = Promise.resolve(null);

  const ask = async (): Promise<QueueState | null> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, deadlineMilliseconds, null);
    });
    try {
      return await Promise.race([queueState(), late]);
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    async report() {
      const now = performance.now();
      if (now - asked >= freshMilliseconds) {
        asked = now;
        answer = ask();
      }
      const queue = await answer;
      return { store: queue === null ? 'down' : 'up', queue, upstreams: upstreams(), startedAt };
    },
  };
}
