import type { Config, ListenerConfig } from '../config/schema.ts';
import type { Clock } from '../domain/clock.ts';
import type { NetworkSet } from '../domain/ip-network.ts';
import type { Logger } from '../observability/log.ts';
import type { RefusalMeter } from '../observability/refusal-meter.ts';
import type { PipelineSource } from '../pipeline/pipeline.ts';
import type { Message } from '../pipeline/session.ts';
import type { Counters } from '../storage/ports/counters.ts';
import type { MessageStore } from '../storage/ports/message-store.ts';
import type { Spool } from '../storage/ports/spool.ts';
import type { Access } from './access.ts';
import type { ConnectionControls } from './connection-controls.ts';
import type { ConnectionPlaces } from './connection-counts.ts';

type Now<T> = T | Promise<T>;

/** A received message as the front end holds it. */
export type IncomingMessage = Message & {
  /** True once it is durable. */
  readonly committed: boolean;
  /** True once a commit took envelope and edits as they were. */
  readonly commitBegun: boolean;
  /** No commit may begin any more. Resolves with whether one has made it durable, once that is known. */
  giveUp(): Promise<boolean>;
  /** Gives up what the store holds of it. */
  abandon(): void;
};

/** A message on its way in, as `core/spool` takes it. Ended by `finish` or `abandon`. */
export interface Intake {
  /** Bytes in order, dots and limits dealt with. The next ones come only after the promise. */
  write(bytes: Uint8Array): void | Promise<void>;
  /** All bytes were written. */
  finish(): Now<IncomingMessage>;
  abandon(): void;
}

/** What the front end is given by the composition root. */
export interface FrontEndParts {
  readonly config: Config;
  readonly pipelines: PipelineSource;
  /** Opens the intake of one transaction; `declaredSize` is the SIZE of its MAIL, in octets. */
  readonly intake: (transactionId: string, declaredSize: number | undefined) => Intake;
  readonly spool: Spool;
  readonly store: Pick<MessageStore, 'recordRefusal' | 'hasRoom'>;
  readonly counters: Pick<Counters, 'release'>;
  readonly access: Access;
  readonly log: Logger;
  readonly clock: Clock;
  /** Where plugins find the control of a session. */
  readonly sessionControls: ConnectionControls;
  /** Our own name in greeting and Received. */
  readonly hostname: string;
  /** Who counts the open connections; default: this process, for itself. */
  readonly counts?: ConnectionPlaces;
}

/** What all connections of a process share. */
export interface Shared extends FrontEndParts {
  readonly counts: ConnectionPlaces;
  readonly refusals: RefusalMeter;
  /** True once `close` was called: no new work is taken. */
  closing: boolean;
}

/** One listener's policy, its networks parsed. */
export interface ListenerPolicy {
  readonly config: ListenerConfig;
  readonly trustedNetworks: readonly { readonly name: string; readonly set: NetworkSet }[];
  readonly proxies: NetworkSet;
}
