/** Milliseconds. */
export interface WebhookRetry {
  readonly first: number;
  readonly most: number;
}

const factor = 3;
const jitter = 0.2;

/** How long to wait after so many failures in a row (from 1): growing, and never quite the same for two. */
export function retryDelay(
  failures: number,
  { first, most }: WebhookRetry,
  random: () => number = Math.random,
): number {
  const delay = Math.min(most, first * factor ** Math.min(failures - 1, 50));
  return Math.round(delay * (1 - jitter + 2 * jitter * random()));
}
