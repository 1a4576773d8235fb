import type { HookHandlers } from '../../../core/pipeline/plugin.ts';
import { deliveredHook } from './delivered-hook.ts';
import { HMails } from './hmails.ts';
import { outcomeHook } from './outcome-hook.ts';
import { type Delays, routeHook } from './route-hook.ts';
import type { WorkerParts } from './worker-parts.ts';

/** Nothing waits for the answer but the mail; its lease is renewed meanwhile. In milliseconds. */
const longestCall = 10 * 60_000;
const own = 30_000;

/** The bridge's places in the pipeline of a worker: only those that its plugins have hooks for. */
export function workerHooks(parts: WorkerParts): HookHandlers {
  const { runner, harakasLog, libraries } = parts;
  const hmails = new HMails(harakasLog, libraries);
  const delays: Delays = new WeakSet();
  const within = (...hooks: readonly string[]) => ({
    timeoutMilliseconds: Math.min(runner.longest(...hooks) + own, longestCall),
  });
  const has = (...hooks: readonly string[]) => hooks.some((hook) => runner.has(hook));
  return {
    ...(has('send_email', 'get_mx')
      ? { route: { handler: routeHook(parts, hmails, delays), ...within('send_email', 'get_mx') } }
      : {}),
    ...(has('deferred', 'bounce')
      ? { outcome: { handler: outcomeHook(parts, hmails, delays), ...within('deferred', 'bounce') } }
      : {}),
    ...(has('delivered') ? { delivered: { handler: deliveredHook(parts, hmails), ...within('delivered') } } : {}),
  };
}
