import type { Logger } from '../../../core/observability/log.ts';

/**
 * Some of Haraka's libraries print when they are loaded ("loaded TLD files …"). Standard output is this program's log, one
 * JSON object a line, so that what is printed while `run` loads them becomes lines of that.
 */
export function consoleTo<T>(log: Logger, run: () => T): T {
  const { log: print } = console;
  const restore = (): void => {
    console.log = print;
  };
  console.log = (...words: unknown[]) => log.debug({ haraka: 'load' }, words.map(String).join(' '));
  let result: T;
  try {
    result = run();
  } catch (error) {
    restore();
    throw error;
  }
  if (result instanceof Promise) result.finally(restore).catch(() => undefined);
  else restore();
  return result;
}
