import type { Config } from '../core/config/schema.ts';
import type { RunningProcess } from './running-process.ts';

/** Where each listener that is on listens now. */
export function listenerSummaries(
  config: Config,
  addresses: Readonly<Record<string, { address: string; port: number }>>,
): RunningProcess['listeners'] {
  return config.smtp.listeners.flatMap(({ name, tls }) => {
    const bound = addresses[name];
    return bound === undefined ? [] : [{ name, address: bound.address, port: bound.port, tls }];
  });
}
