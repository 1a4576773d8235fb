import type { Libraries } from '../libraries.ts';
import type { ServerObject } from './server-object.ts';

/**
 * Packages use `OK`, `DENY` and `server` as globals, since they are plainly required: they are put there with the first
 * bridge of a process, and are the same for all of its bridges.
 */
export function installGlobals({ constants }: Libraries, server: ServerObject): void {
  constants.import(globalThis);
  Object.defineProperty(globalThis, 'server', { value: server, writable: true, configurable: true, enumerable: false });
}

/** What the code of a file plugin finds in its sandbox. */
export function sandboxOf(libraries: Libraries, server: ServerObject): Record<string, unknown> {
  const sandbox: Record<string, unknown> = {
    Buffer,
    Math,
    clearImmediate,
    clearInterval,
    clearTimeout,
    fetch,
    process,
    server,
    setImmediate,
    setInterval,
    setTimeout,
  };
  libraries.constants.import(sandbox);
  return sandbox;
}
