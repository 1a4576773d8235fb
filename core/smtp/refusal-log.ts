import type { Clock } from '../domain/clock.ts';
import { clientNetwork } from '../domain/ip-network.ts';
import type { RefusalRecord } from '../domain/message.ts';
import type { Logger } from '../observability/log.ts';
import type { MessageStore } from '../storage/ports/message-store.ts';

const minute = 60_000;
/** Log rows of refused transactions a minute and address; beyond it they are counted. */
const mostAMinute = 60;

/** Keeps refused, reset and aborted transactions in the log without letting one address fill it. */
export class RefusalLog {
  readonly #store: Pick<MessageStore, 'recordRefusal'>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #counts = new Map<string, number>();
  #window = -1;

  constructor(store: Pick<MessageStore, 'recordRefusal'>, clock: Clock, log: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  /** Builds the record only where it is kept. */
  add(address: string, record: () => RefusalRecord): void {
    const window = Math.floor(this.#clock.now() / minute);
    if (window !== this.#window) this.#turn(window);
    const key = clientNetwork(address);
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    if (count <= mostAMinute) this.#store.recordRefusal(record());
  }

  #turn(window: number): void {
    for (const [network, count] of this.#counts) {
      if (count > mostAMinute) {
        this.#log.warn(
          { network, refused: count, recorded: mostAMinute },
          'more refused transactions than are recorded',
        );
      }
    }
    this.#counts.clear();
    this.#window = window;
  }
}
