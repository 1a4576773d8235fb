import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import { clientNetwork } from '../../core/domain/ip-network.ts';
import type { RateLimits } from '../../core/storage/ports/rate-limits.ts';

/** Headers of the limit (RFC draft "RateLimit header fields for HTTP"), sent whether it was reached or not. */
export type LimitHeaders = Readonly<Record<string, string>>;

/** Counts a request of somebody who is not logged in. `refusal` is null while there is room. */
export type RequestLimit = (address: string) => Promise<{ headers: LimitHeaders; refusal: SluiceError | null }>;

export function requestLimit(options: {
  rateLimits: RateLimits;
  requests: number;
  window: number;
  clock: Clock;
}): RequestLimit {
  const { rateLimits, requests, window, clock } = options;
  const policy = `"unauthenticated";q=${requests};w=${Math.ceil(window / 1000)}`;
  return async (address) => {
    const state = await rateLimits.consume(`api:${clientNetwork(address)}`, requests, window);
    const seconds = Math.max(1, Math.ceil((state.resetsAt - clock.now()) / 1000));
    const left = state.allowed ? Math.max(0, requests - state.used) : 0;
    const headers = { 'ratelimit-policy': policy, ratelimit: `"unauthenticated";r=${left};t=${seconds}` };
    if (state.allowed) return { headers, refusal: null };
    return {
      headers: { ...headers, 'retry-after': String(seconds) },
      refusal: new SluiceError('RATE_LIMITED', `too many requests without a login; try again in ${seconds} seconds`),
    };
  };
}
