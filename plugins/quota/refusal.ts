import { defer, type Refusal, reject, reply } from '../../core/pipeline/plugin.ts';
import type { OverLimit, QuotaWindow } from './allowances.ts';

const names = { hour: 'hourly', day: 'daily' } as const;
const owners = { credential: '', user: "account's ", network: "network's " } as const;

/** What the client is told when a window is full: which quota, how large, and when it starts anew. */
export function overQuota(window: QuotaWindow, overLimit: OverLimit): Refusal {
  const quota = `${owners[window.of]}${names[window.period.unit]} quota`;
  const text =
    window.limit === 0
      ? `${quota} is 0: nothing may be sent; ask your administrator to raise it`
      : `${quota} of ${window.limit} used up; resets at ${window.period.resets}`;
  return overLimit === 'defer' ? defer(reply(452, '4.7.1', text)) : reject(reply(550, '5.7.1', text));
}

/** Mail of a credential or user that is gone from the directory. */
export const gone = (): Refusal => defer(reply(451, '4.7.1', 'your login is no longer known; log in again'));
