type Now<T> = T | Promise<T>;

export interface RateLimitState {
  readonly allowed: boolean;
  /** Points used in the current window, this call's included where it was allowed. */
  readonly used: number;
  /** When the window ends, milliseconds since the epoch. */
  readonly resetsAt: number;
}

/**
 * Fixed windows of points by key, for limits on rates; forgotten on a restart, shared by all processes in cluster mode.
 * A window opens with its first point.
 */
export interface RateLimits {
  /**
   * Takes `points` (default 1) from the window; not allowed, and nothing taken, once `limit` would be passed.
   * Negative points give back what this caller took.
   */
  consume(key: string, limit: number, windowMilliseconds: number, points?: number): Now<RateLimitState>;
  /** Looks without taking: would one more point be allowed? */
  peek(key: string, limit: number, windowMilliseconds: number): Now<RateLimitState>;
  reset(key: string): Now<void>;
}
