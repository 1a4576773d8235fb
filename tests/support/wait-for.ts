import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** Milliseconds until the wait fails; default 10,000. */
  timeout?: number;
  /** Milliseconds between two looks; default 15. */
  interval?: number;
  /** Added to the message of the failure, such as the log of the server that was waited for. */
  detail?: () => string | Promise<string>;
}

/**
 * Looks at `condition` until it answers something true, and resolves with that.
 * A condition that throws counts as not yet met; its last error is the cause of the failure.
 */
export const waitFor = async <T>(
  what: string,
  condition: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<NonNullable<T>> => {
  const timeout = options.timeout ?? 10_000;
  const end = performance.now() + timeout;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > end) {
      const detail = options.detail === undefined ? '' : `\n${await options.detail()}`;
      throw new Error(`waited ${timeout} ms in vain for ${what}${detail}`, { cause });
    }
    await delay(options.interval ?? 15);
  }
};
