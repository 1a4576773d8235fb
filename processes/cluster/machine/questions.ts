import type { Config } from '../../../core/config/schema.ts';
import type { MetricValues } from '../../../core/observability/metrics.ts';
import type { Readiness } from '../../../core/observability/readiness.ts';
import type { NoPlace } from '../../../core/smtp/connection-counts.ts';
import type { RunningProcess } from '../../running-process.ts';
import type { ToldError } from './told-error.ts';

/** What a child tells the primary once it takes mail. */
export type StartedChild = Pick<RunningProcess, 'listeners' | 'upstreams' | 'capture'>;

/** What a child asks the primary: the question, and the answer to it. */
export type ChildQuestions = {
  /** What the primary was started with: of all that needs a restart, one that comes later runs by no other. */
  readonly config: readonly [null, Config];
  /** A place for a connection, and one of its client's where that is known; answered by the number of the place. */
  readonly enter: readonly [address: string | null, place: number | NoPlace];
  /** Counts a place to its client; false where the client has too many. */
  readonly assign: readonly [{ readonly place: number; readonly address: string }, boolean];
  /** Gives a place back. */
  readonly leave: readonly [place: number, void];
  readonly started: readonly [StartedChild, void];
  /** It cannot start, and waits to be ended. */
  readonly failed: readonly [ToldError, void];
};

/** What the primary asks a child. */
export type PrimaryQuestions = {
  readonly metrics: readonly [null, MetricValues[]];
  readonly readiness: readonly [null, Readiness];
  /** Reads configuration and certificates again; throws what is wrong with them. */
  readonly reload: readonly [null, void];
};
