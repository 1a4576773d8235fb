import type { Secrets } from '../../core/accounts/secrets.ts';
import type { Config } from '../../core/config/schema.ts';
import type { Clock } from '../../core/domain/clock.ts';
import type { Logger } from '../../core/observability/log.ts';
import type { BlacklistIndex } from '../../core/pipeline/blacklist-index.ts';
import type { Directory } from '../../core/pipeline/directory.ts';
import { services } from '../../core/pipeline/services.ts';
import type { SessionControls } from '../../core/pipeline/session-control.ts';
import type { UpstreamBoard } from '../../core/pipeline/upstream-board.ts';
import { createSpool } from '../../core/spool/spool.ts';
import { createSend } from '../../core/spool/submission.ts';
import type { Accounts } from '../../core/storage/ports/accounts.ts';
import type { Blacklist } from '../../core/storage/ports/blacklist.ts';
import type { Bus } from '../../core/storage/ports/bus.ts';
import type { Counters } from '../../core/storage/ports/counters.ts';
import type { MessageStore } from '../../core/storage/ports/message-store.ts';
import type { RateLimits } from '../../core/storage/ports/rate-limits.ts';
import { TypedContainer } from './typed-container.ts';

/** What a process that runs plugins holds, for the services of their contract. */
export interface Held {
  readonly config: Config;
  readonly store: { readonly accounts: Accounts; readonly blacklist: Blacklist; readonly messages: MessageStore };
  readonly blacklistIndex: BlacklistIndex;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly directory: Directory;
  readonly hostname: string;
  readonly log: Logger;
  readonly rateLimits: RateLimits;
  readonly secrets: Secrets;
  readonly sessionControls: SessionControls;
  readonly upstreamBoard: UpstreamBoard;
}

/** The container of a process; key-value pairs are a plugin's own, and come where its instance is made. */
export function processContainer(held: Held): TypedContainer {
  const { config, store, clock, counters, hostname, log } = held;
  return new TypedContainer()
    .value(services.accounts, store.accounts)
    .value(services.blacklist, store.blacklist)
    .value(services.blacklistIndex, held.blacklistIndex)
    .value(services.bus, held.bus)
    .value(services.clock, clock)
    .value(services.counters, counters)
    .value(services.directory, held.directory)
    .value(services.hostname, hostname)
    .value(services.sessionControls, held.sessionControls)
    .value(services.upstreamBoard, held.upstreamBoard)
    .value(services.rateLimits, held.rateLimits)
    .value(services.secretVerifier, held.secrets)
    .single(services.spool, () => createSpool({ store: store.messages, counters, clock, log, hostname }))
    .single(services.send, () => createSend({ ...config.smtp, store: store.messages, clock, hostname }));
}
