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
  /** Roots of its process trees; servers that it only uses, such as a database, are not among them. */
  readonly pids: readonly number[];
  readonly login: LoadSettings['login'];
  stop(): Promise<void>;
}

/** A relay that can be stopped, filled with mail that is due in some hours, and started again. */
export interface RestartableRelay extends RunningRelay {
  end(): Promise<void>;
  /** Only after `end`. */
  seed(messages: number): Promise<void>;
  /** Resolves when it takes mail again. */
  startAgain(): Promise<void>;
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
  /** Part of the messages of a run that it is given: slower ones get fewer; rates do not depend on it. */
  readonly share: number;
  /** Whether it writes mail to the disk by itself. */
  readonly flushes: boolean;
  /** Undefined when it can run here, else what to do about it. */
  missing(): string | undefined;
  /** Installs what `missing` does not complain of but start needs; answers the version. */
  prepare(): Promise<string>;
  start(setting: RelaySetting): Promise<RunningRelay>;
}

/** Sluice in one of its modes, of which more is measured than of the others. */
export interface SluiceRelay extends Relay {
  /** How many large messages are sent at once, and how many wait in the long queue. */
  readonly large: number;
  readonly waiting: number;
  start(setting: RelaySetting): Promise<RestartableRelay>;
}
