import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How late a thread got to its work, in seconds. */
export interface EventLoopNumbers {
  readonly median: number;
  readonly p99: number;
  readonly most: number;
}

/** Milliseconds between two looks. What comes within one is no delay. */
const resolution = 20;

/** Watches the event loop of the thread it is made in. */
export class EventLoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution });

  constructor() {
    this.#histogram.enable();
  }

  /** What was seen since it was asked for last. */
  take(): EventLoopNumbers {
    const histogram = this.#histogram;
    const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - resolution / 1e3);
    const seen = histogram.count > 0;
    const numbers = {
      median: seen ? seconds(histogram.percentile(50)) : 0,
      p99: seen ? seconds(histogram.percentile(99)) : 0,
      most: seen ? seconds(histogram.max) : 0,
    };
    histogram.reset();
    return numbers;
  }
}
