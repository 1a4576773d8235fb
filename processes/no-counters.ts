import { SluiceError } from '../core/domain/errors.ts';
import type { Counters } from '../core/storage/ports/counters.ts';

const unavailable = (): never => {
  throw new SluiceError('MODE_UNSUPPORTED', 'Quotas are counted where mail is accepted, not in the relay thread');
};

/** For mail that the worker's plugins send: it holds no reservation, so a call here is a mistake and fails closed. */
export const noCounters: Counters = {
  reserve: unavailable,
  settle: unavailable,
  refund: unavailable,
  release: unavailable,
  renew: unavailable,
  used: unavailable,
};
