import type { LoadSettings } from '../load/load-settings.ts';

/** How a relay is to be started for one run. */
export interface RelaySetting {
  /** Folder for its configuration and queue, on a real disk. */
  folder: string;
  /** Port of the upstream on loopback, without TLS or login. */
  upstream: number;
  /** False: it only queues. The upstream is then a port on which nobody listens. */
  sending: boolean;
  startTls: boolean;
}

export interface RunningRelay {
  readonly port: number;
  /** Root of its process tree. */
  readonly pid: number;
  readonly login: LoadSettings['login'];
  stop(): Promise<void>;
}

/** One of the programs that are compared. */
export interface Relay {
  readonly name: string;
  /** As the tables call it, with its version once known. */
  readonly label: string;
  /** What differs from the others, in a sentence for the report. */
  readonly difference: string;
  /** Whether it relays; a server that throws mail away is compared at accepting only. */
  readonly relays: boolean;
  /** Undefined when it can run here, else what to do about it. */
  missing(): string | undefined;
  /** Installs what `missing` does not complain of but start needs; answers the version. */
  prepare(): Promise<string>;
  start(setting: RelaySetting): Promise<RunningRelay>;
}
