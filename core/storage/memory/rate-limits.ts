import type { Clock } from '../../domain/clock.ts';
import type { RateLimitState, RateLimits } from '../ports/rate-limits.ts';

interface Bucket {
  used: number;
  resetsAt: number;
}

/**
 * Rate limits of a single process; answers are plain values. Memory is bounded by `mostKeys`: beyond it finished
 * windows go first, then the ones opened first, so a flood of keys can only make limits forget, never make memory grow.
 */
export class MemoryRateLimits implements RateLimits {
  readonly #buckets = new Map<string, Bucket>();
  readonly #clock: Clock;
  readonly #mostKeys: number;
  #sweptAt: number;

  constructor(options: { clock: Clock; mostKeys?: number }) {
    this.#clock = options.clock;
    this.#mostKeys = options.mostKeys ?? 100_000;
    this.#sweptAt = options.clock.now();
  }

  consume(key: string, limit: number, windowMilliseconds: number, points = 1): RateLimitState {
    const now = this.#clock.now();
    const bucket = this.#current(key, now, windowMilliseconds);
    if (bucket === undefined) {
      const resetsAt = now + windowMilliseconds;
      if (points > limit) return { allowed: false, used: 0, resetsAt };
      if (points <= 0) return { allowed: true, used: 0, resetsAt };
      this.#makeRoom(now);
      this.#buckets.set(key, { used: points, resetsAt });
      return { allowed: true, used: points, resetsAt };
    }
    if (points > 0 && bucket.used + points > limit) {
      return { allowed: false, used: bucket.used, resetsAt: bucket.resetsAt };
    }
    bucket.used = Math.max(0, bucket.used + points);
    return { allowed: true, used: bucket.used, resetsAt: bucket.resetsAt };
  }

  peek(key: string, limit: number, windowMilliseconds: number): RateLimitState {
    const now = this.#clock.now();
    const bucket = this.#current(key, now, windowMilliseconds);
    if (bucket === undefined) return { allowed: limit > 0, used: 0, resetsAt: now + windowMilliseconds };
    return { allowed: bucket.used < limit, used: bucket.used, resetsAt: bucket.resetsAt };
  }

  reset(key: string): void {
    this.#buckets.delete(key);
  }

  /** Keys held at the moment; for metrics. */
  get size(): number {
    return this.#buckets.size;
  }

  #current(key: string, now: number, windowMilliseconds: number): Bucket | undefined {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return undefined;
    // A window that ends later than a new one would was opened before the clock was set back: it would never end.
    if (bucket.resetsAt > now && bucket.resetsAt <= now + windowMilliseconds) return bucket;
    this.#buckets.delete(key);
    return undefined;
  }

  #makeRoom(now: number): void {
    if (this.#buckets.size < this.#mostKeys) return;
    // A sweep costs as much as there are keys: at most one a second, whatever comes in.
    if (Math.abs(now - this.#sweptAt) >= 1_000) {
      this.#sweptAt = now;
      for (const [key, bucket] of this.#buckets) if (bucket.resetsAt <= now) this.#buckets.delete(key);
    }
    for (const key of this.#buckets.keys()) {
      if (this.#buckets.size < this.#mostKeys) return;
      this.#buckets.delete(key);
    }
  }
}
