import type { MessagePort } from 'node:worker_threads';
import type { Config } from '../core/config/schema.ts';
import type { ErrorCode, Problem } from '../core/domain/errors.ts';
import type { PluginSettings } from '../core/pipeline/plugin-settings.ts';
import type { UpstreamHealth } from '../core/pipeline/upstream-board.ts';

/** What the relay thread is started with. */
export interface RelayStart {
  readonly config: Config;
  /** Folder of the configuration file: plugins named by path or package are looked for from here. */
  readonly baseDir: string;
  readonly hostname: string;
  /** Way to the writer thread. */
  readonly deliveryPort: MessagePort;
}

/** Main to relay. `swap` and `stop` are answered. */
export type RelayOrder =
  | { readonly do: 'swap'; readonly plugins: readonly PluginSettings[]; readonly version: number }
  | { readonly do: 'stop'; readonly graceMilliseconds: number };

/** An error as it crosses a thread. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly problems: readonly Problem[];
}

/** Relay to main. */
export type RelayReport =
  | { readonly of: 'started'; readonly error: PlainError | null }
  | { readonly of: 'swapped'; readonly version: number; readonly error: PlainError | null }
  | { readonly of: 'stopped' }
  | { readonly of: 'upstream'; readonly health: UpstreamHealth };
