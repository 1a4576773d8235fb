import type { RecipientOutcome } from '../domain/delivery.ts';
import type { RecipientRecord } from '../domain/message.ts';
import { replyLine } from '../domain/reply.ts';
import { type RetrySchedule, retryDelay } from '../domain/retry-schedule.ts';

/** What decides when a recipient is tried again and when it is given up. Milliseconds. */
export interface RetryRules {
  readonly retry: RetrySchedule;
  readonly max_age: number;
  readonly ambiguous_delay: number;
}

export interface Tried {
  readonly acceptedAt: number;
  readonly now: number;
  /** Name of the upstream that was tried, or that holds the mail back; null if it came to none. */
  readonly upstream: string | null;
}

const longestReply = 1_000;

/**
 * A recipient after an outcome. It expires only when the try that failed had itself been put off until its age was
 * over: a clock that jumps forward makes no mail expire that was not tried, and put off, once more after the jump.
 */
export function progress(
  before: RecipientRecord,
  outcome: RecipientOutcome,
  tried: Tried,
  rules: RetryRules,
  random: () => number = Math.random,
): RecipientRecord {
  const { now } = tried;
  const { postponed: _, bounceOrdered: __, ...kept } = before;
  const after: RecipientRecord = {
    ...kept,
    upstream: tried.upstream ?? before.upstream,
    lastReply: replyLine(outcome.reply).slice(0, longestReply),
  };
  switch (outcome.do) {
    case 'held':
      return { ...after, state: 'held', nextAt: null };
    case 'deferred':
    case 'postponed': {
      const limit = tried.acceptedAt + rules.max_age;
      const counted = outcome.do === 'deferred' ? before.attempts + 1 : before.attempts;
      if (before.nextAt !== null && before.nextAt >= limit) {
        return { ...after, attempts: counted, state: 'expired', nextAt: null, finalAt: now };
      }
      if (outcome.do === 'postponed') {
        // Past its age, mail that waits for an upstream waits once more, long, before it is given up.
        const nextAt = now < limit ? outcome.until : Math.max(outcome.until, now + rules.retry.most);
        return outcome.firm === true
          ? { ...after, state: 'deferred', nextAt }
          : { ...after, state: 'deferred', nextAt, postponed: true };
      }
      const delay = outcome.delay ?? retryDelay(counted, rules.retry, random);
      if (outcome.ambiguous === true) {
        const nextAt = now + Math.max(delay, rules.ambiguous_delay);
        return { ...after, attempts: counted, state: 'deferred', nextAt, ambiguous: true };
      }
      // The last try comes when the age is over, not before.
      const nextAt = now < limit ? Math.min(now + delay, limit) : now + delay;
      return { ...after, attempts: counted, state: 'deferred', nextAt };
    }
    default:
      return { ...after, attempts: before.attempts + 1, state: outcome.do, nextAt: null, finalAt: now };
  }
}
