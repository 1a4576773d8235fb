/** Times in milliseconds; `jitter` is the share of a delay that is random, 0 to 1. */
export interface RetrySchedule {
  readonly first: number;
  readonly factor: number;
  readonly most: number;
  readonly jitter: number;
}

/**
 * How long to wait after the attempt numbered `attempts` (from 1): `first`, growing by `factor`, never above `most`.
 * `random` answers 0 ≤ x < 1; jitter only shortens, so that mail deferred together comes back apart and never later than `most`.
 */
export function retryDelay(attempts: number, schedule: RetrySchedule, random: () => number = Math.random): number {
  const growth = schedule.factor ** Math.max(0, attempts - 1);
  const whole = Math.min(schedule.first * growth, schedule.most);
  return Math.round(whole * (1 - schedule.jitter * random()));
}
