import { setTimeout as delay } from 'node:timers/promises';
import type { RedisAddress } from '../../config/redis-url.ts';
import { SluiceError } from '../../domain/errors.ts';
import type { Logger } from '../../observability/log.ts';
import { connectRedis, type RedisConnection, type RedisTimes, redisHosts, redisTimes } from './connection.ts';
import { redisFaults } from './suitability.ts';

/** How often Redis is asked whether it is there: a frozen one closes no connection. */
const pingMilliseconds = 1_000;

/**
 * This process's link to Redis: the connection on which commands are sent, whether Redis answers, and a line in the log
 * each time that changes.
 */
export class RedisLink {
  readonly address: RedisAddress;
  readonly times: RedisTimes;
  readonly log: Logger;
  readonly commands: RedisConnection;
  readonly #stop = new AbortController();
  readonly #startedAt = performance.now();
  readonly #watching: Promise<void>;
  #up: boolean | null = null;
  #lastError: Error | null = null;

  constructor(options: { address: RedisAddress; log: Logger; times?: RedisTimes }) {
    this.address = options.address;
    this.times = options.times ?? redisTimes;
    this.log = options.log;
    this.commands = connectRedis(this.address, 'commands', this.times);
    // Each failed try is one: what matters of them is said once, by #changed.
    this.commands.on('error', (error: Error) => {
      this.#lastError = error;
    });
    this.#watching = this.#watch();
  }

  /** Whether Redis answered when it was last asked, a second ago at most. */
  get up(): boolean {
    return this.#up === true;
  }

  /** A name below this installation's prefix. */
  key(name: string): string {
    return `${this.address.prefix}:${name}`;
  }

  /** A connection of its own, for a blocking command or a subscription. Whoever asks for it disconnects it. */
  connect(): RedisConnection {
    const connection = connectRedis(this.address, 'patient', this.times);
    connection.on('error', ({ message }: Error) => this.log.debug({ reason: message }, 'a connection to Redis failed'));
    return connection;
  }

  /**
   * Waits until Redis answers, and says so in the log while it has to. Rejects with `REDIS_UNSUITABLE` where it would
   * forget counters to save memory or is too old, and with the signal's reason once that aborts.
   */
  async ready(signal?: AbortSignal): Promise<void> {
    const end = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    for (let wait = 50; ; wait = Math.min(wait * 2, 1_000)) {
      end.throwIfAborted();
      try {
        if (!this.#connected) throw new Error('there is no connection yet');
        const { problems, warnings } = await redisFaults(this.commands);
        for (const warning of warnings) this.log.warn(warning);
        if (problems.length === 0) return;
        throw new SluiceError('REDIS_UNSUITABLE', problems.join('; '));
      } catch (error) {
        if (error instanceof SluiceError) throw error;
        this.#lastError ??= error instanceof Error ? error : new Error(String(error));
      }
      await delay(wait, undefined, { signal: end }).catch(() => undefined);
    }
  }

  /** Ends the connection at once; what is under way is rejected. */
  async close(): Promise<void> {
    this.#stop.abort(new SluiceError('REDIS_UNAVAILABLE', 'The link to Redis was closed'));
    this.commands.disconnect();
    await this.#watching;
  }

  /** Some commands are answered before that, while Redis still loads its data, for one. */
  get #connected(): boolean {
    return this.commands.status === 'ready';
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const answers = await this.commands.ping().then(
        () => this.#connected,
        (error: Error) => {
          this.#lastError ??= error;
          return false;
        },
      );
      if (signal.aborted) return;
      if (answers) this.#changed(true);
      // The first try may come before the connection does.
      else if (this.#up !== null || performance.now() - this.#startedAt > pingMilliseconds) this.#changed(false);
      await delay(this.#up === null ? 50 : pingMilliseconds, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  #changed(up: boolean): void {
    const before = this.#up;
    this.#up = up;
    if (before === up) return;
    const redis = redisHosts(this.address);
    if (!up) {
      const consequence = 'quotas and rates are answered 451, wake-ups wait, the database is polled';
      // Its message only: the error of a refused login has the password among its arguments.
      this.log.warn({ redis, reason: this.#lastError?.message }, `Redis does not answer: ${consequence}`);
    } else if (before === false) this.log.info({ redis }, 'Redis answers again');
    else this.log.info({ redis }, 'Redis answers');
    this.#lastError = null;
  }
}
