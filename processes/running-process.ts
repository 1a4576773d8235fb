import type { LoadedConfiguration } from '../core/config/load.ts';
import type { PluginOverlay } from '../core/config/plugin-overlay.ts';
import type { ProcessRole } from '../core/storage/ports/processes.ts';

export interface StartOptions {
  readonly loaded: LoadedConfiguration;
  /** Start although the database holds less than was accepted. */
  readonly acceptLoss: boolean;
  /** Reads the configuration with what the API set, at the start and for each change. Throws what `loadConfiguration` throws. */
  readonly readAgain: (overlay: PluginOverlay) => Promise<LoadedConfiguration>;
}

/** A started process, as the CLI shows and ends it. */
export interface RunningProcess {
  readonly roles: readonly ProcessRole[];
  /** None where it takes no mail. */
  readonly listeners: readonly {
    readonly name: string;
    readonly address: string;
    readonly port: number;
    readonly tls: string;
  }[];
  /** Null where it does not answer the API; so is the socket. */
  readonly api: { readonly url: string } | null;
  readonly controlSocket: string | null;
  /** Where metrics and health are told; null where the port was taken. */
  readonly observability: string | null;
  readonly upstreams: readonly { readonly name: string; readonly description: string }[];
  /** True while all mail goes into the capture box. */
  readonly capture: boolean;
  /** Plugins and certificates as they now are in the files; what cannot be used is thrown, and the old stays in force. */
  reload(): Promise<void>;
  /** Takes no new work, lets what is in flight finish, closes everything; within 30 s. Idempotent. */
  stop(): Promise<void>;
  /** Rejects when a part of the process died and it has to end. */
  readonly failed: Promise<never>;
}
