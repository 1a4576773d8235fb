import type { HarakaFiles } from 'haraka-config';
import type { HarakasLog, LogMethods } from './harakas-log.ts';

/** Haraka's `server`, as far as plugins use it: notes shared by all of a process (redis, for one), and settings. */
export interface ServerObject {
  /** Hooks run on it, too: `init_master`. */
  hook: string | null;
  readonly transaction: null;
  notes: Record<string, unknown>;
  cfg: unknown;
  connection: { cfg: unknown };
  /** No web server of Haraka runs here: `init_http` is never called. */
  http: { cfg: unknown };
  listeners: unknown[];
  config: HarakaFiles;
  logger: unknown;
  plugins: unknown;
  readonly has_tls: boolean;
  address(): { address: string; port: number };
  sendToMaster(): void;
  [name: string]: unknown;
}

export function createServerObject(files: HarakaFiles, log: HarakasLog): ServerObject & LogMethods {
  const server: ServerObject = {
    hook: null,
    transaction: null,
    notes: {},
    cfg: files.get('smtp.ini', { booleans: ['-main.daemonize', '-main.graceful_shutdown'] }),
    connection: { cfg: files.get('connection.ini', { booleans: ['+haproxy.enabled'] }) },
    http: { cfg: {} },
    listeners: [],
    config: files,
    logger: undefined,
    plugins: undefined,
    has_tls: false,
    address: () => ({ address: '0.0.0.0', port: 0 }),
    sendToMaster: () => undefined,
  };
  return log.addTo(server, 'server');
}
