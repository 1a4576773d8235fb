type Now<T> = T | Promise<T>;

export interface RateLimitState {
  readonly allowed: boolean;
  /** Points used in the current window, this call included. */
  readonly used: number;
  /** When the window ends, milliseconds since the epoch. */
  readonly resetsAt: number;
}

/** Fixed windows of points by key, for limits on rates; forgotten on a restart, shared by all processes in cluster mode. */
export interface RateLimits {
  /** Takes `points` (default 1) from the window; not allowed once `limit` would be passed. */
  consume(key: string, limit: number, windowMilliseconds: number, points?: number): Now<RateLimitState>;
  /** Looks without taking. */
  peek(key: string, limit: number, windowMilliseconds: number): Now<RateLimitState>;
  reset(key: string): Now<void>;
}
