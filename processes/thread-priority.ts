import { readdirSync, readFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import type { Logger } from '../core/observability/log.ts';

const lower = 10;

/**
 * Lets the thread of this name yield to the others, so that a long queue does not slow the greeting down. Linux gives
 * threads a priority each, by their number; elsewhere nothing is done.
 */
export function lowerThreadPriority(name: string, log: Logger): void {
  if (process.platform !== 'linux') return;
  try {
    for (const thread of readdirSync('/proc/self/task')) {
      if (readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim() === name) setPriority(Number(thread), lower);
    }
  } catch (error) {
    log.debug({ err: error }, 'the priority of the relay thread stays as it is');
  }
}
