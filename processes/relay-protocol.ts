import type { MessagePort } from 'node:worker_threads';
import type { Config } from '../core/config/schema.ts';
import type { ConnectionTest } from '../core/domain/connection-test.ts';
import type { ErrorCode, Problem } from '../core/domain/errors.ts';
import type { RelayNumbers } from '../core/observability/metrics.ts';
import type { PluginSettings } from '../core/pipeline/plugin-settings.ts';
import type { UpstreamHealth } from '../core/pipeline/upstream-board.ts';
import type { ConnectionTestRequest } from '../plugins/delivery/connection-test.ts';

/** What the relay thread is started with. */
export interface RelayStart {
  readonly config: Config;
  /** Folder of the configuration file: plugins named by path or package are looked for from here. */
  readonly baseDir: string;
  readonly hostname: string;
  /** Way to the writer thread. */
  readonly deliveryPort: MessagePort;
}

/** Plugins of each hook of the worker, by id in running order. */
export type WorkerOrder = readonly { readonly hook: string; readonly plugins: readonly string[] }[];

/** Main to relay; each is answered. `number` is that of the order. */
export type RelayOrder =
  | { readonly do: 'rehearse'; readonly plugins: readonly PluginSettings[]; readonly number: number }
  | {
      readonly do: 'swap';
      readonly plugins: readonly PluginSettings[];
      readonly version: number;
      readonly number: number;
    }
  | { readonly do: 'count' }
  | { readonly do: 'test-connection'; readonly request: ConnectionTestRequest; readonly number: number }
  | { readonly do: 'stop'; readonly graceMilliseconds: number };

/** An error as it crosses a thread. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly problems: readonly Problem[];
}

/** Relay to main. */
export type RelayReport =
  | { readonly of: 'started'; readonly error: PlainError | null; readonly order: WorkerOrder }
  | { readonly of: 'built'; readonly number: number; readonly error: PlainError | null; readonly order: WorkerOrder }
  | { readonly of: 'numbers'; readonly numbers: RelayNumbers }
  | { readonly of: 'tested'; readonly number: number; readonly test: ConnectionTest }
  | { readonly of: 'stopped' }
  | { readonly of: 'upstream'; readonly health: UpstreamHealth };
