import { z } from 'zod';
import type { Seals } from '../../core/accounts/seals.ts';
import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { IdempotencyStore } from '../../core/storage/ports/idempotency.ts';
import type { Caller, Route, SentAnswer } from '../route.ts';

const day = 86_400_000;

export const idempotencyKeySchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, 'expected 1 to 200 visible ASCII characters')
  .describe('For 24 hours the same key and body get the same answer, and nothing is made twice');

/** Routes that make something take an idempotency key. */
export const isCreation = ({ method, answers, security }: Route): boolean =>
  method === 'POST' && 201 in answers && (security === 'user' || security === 'admin');
export const idempotencyErrors = ['CONFLICT', 'IDEMPOTENCY_KEY_REUSED', 'REQUEST_INVALID'] as const;

interface Asked {
  readonly route: Route;
  readonly caller: Caller | null;
  /** The header Idempotency-Key. */
  readonly key: string | undefined;
  /** Path parameters, query and body, validated, so that spelling makes no difference. */
  readonly given: readonly object[];
}

/** Runs `handle`, or answers what it answered before to the same request. */
export type AnswerOnce = (asked: Asked, handle: () => Promise<SentAnswer>) => Promise<SentAnswer>;

function checked(key: string): string {
  const result = idempotencyKeySchema.safeParse(key);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ message }) => ({ path: 'headers.idempotency-key', message }));
  throw new SluiceError('REQUEST_INVALID', 'the Idempotency-Key has to be 1 to 200 visible characters', { problems });
}

/**
 * Answers are kept encrypted under the client's own key, which is stored as a keyed hash: the password of a new
 * credential cannot be read from the database. A request that was cut off before its answer was stored is never done
 * again: nobody knows how far it came.
 */
export function answerOnce(options: { store: IdempotencyStore; seals: Seals; clock: Clock }): AnswerOnce {
  const { store, seals, clock } = options;
  return async ({ route, caller, key: shown, given }, handle) => {
    if (shown === undefined || !isCreation(route)) return await handle();
    const key = checked(shown);
    const place = seals.fingerprint('idempotency-key', JSON.stringify([caller?.userId ?? null, route.id, key]));
    const digest = seals.fingerprint('request', JSON.stringify(given));
    const now = clock.now();
    const found = await store.begin(place, digest, now, now + day);
    if (found.state !== 'new' && found.digest !== digest) {
      throw new SluiceError('IDEMPOTENCY_KEY_REUSED', 'this key came with another body; a new request needs a new key');
    }
    if (found.state === 'unfinished') {
      const text = 'a request with this key is under way, or was cut off: see whether it was done, then use a new key';
      throw new SluiceError('CONFLICT', text);
    }
    if (found.state === 'answered') {
      const answer: SentAnswer = JSON.parse(seals.open(key, found.answer));
      return { ...answer, headers: { ...answer.headers, 'idempotent-replayed': 'true' } };
    }
    let answer: SentAnswer;
    try {
      answer = await handle();
    } catch (error) {
      await store.abandon(place);
      throw error;
    }
    await store.finish(place, seals.seal(key, JSON.stringify(answer)));
    return answer;
  };
}
