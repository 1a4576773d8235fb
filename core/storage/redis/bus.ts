import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Cluster } from 'ioredis';
import { MemoryBus } from '../memory/bus.ts';
import type { Bus, BusEvent } from '../ports/bus.ts';
import type { RedisConnection } from './connection.ts';
import type { RedisLink } from './link.ts';
import { Script } from './script.ts';

/*
 * Counts the event and tells it in one step. KEYS[1] is the version, ARGV[1] the channel, ARGV[2] what is told; where
 * there is none, the version is only read. One that Redis forgot goes on from the time in microseconds, so that no
 * number comes twice.
 */
const publishScript = `
if redis.call('EXISTS', KEYS[1]) == 0 then
  local time = redis.call('TIME')
  redis.call('SET', KEYS[1], string.format('%.0f', time[1] * 1000000 + time[2]))
end
if not ARGV[2] then return tonumber(redis.call('GET', KEYS[1])) end
local version = redis.call('INCR', KEYS[1])
redis.call('PUBLISH', ARGV[1], string.format('%.0f', version) .. ' ' .. ARGV[2])
return version
`;

interface Told {
  /** The bus that told it: its own listeners had it at once. */
  readonly from: string;
  readonly event: BusEvent;
}

/**
 * The bus by pub/sub. Listeners of this process hear an event before `publish` returns, with or without Redis. Each event
 * has a version, one more than the one before; who hears a later one than the next, or finds at a look every 2 s that it
 * should have heard more, tells its listeners `missed`. Events that could not be published are made up for by a
 * `missed` to all.
 */
export class RedisBus implements Bus {
  readonly #id = randomUUID();
  readonly #link: RedisLink;
  readonly #local: MemoryBus;
  readonly #subscriber: RedisConnection;
  readonly #script = new Script(publishScript);
  readonly #channel: string;
  readonly #versionKey: string;
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;
  /** The version of the last event heard; null until the first look. */
  #heard: number | null = null;
  /** What the last look found beyond what was heard; it may have been on its way then, and has to be heard by now. */
  #expected: number | null = null;
  #unpublished = false;
  #pinging = false;
  /** Resolved by the first look. */
  readonly #looked = Promise.withResolvers<void>();

  private constructor(link: RedisLink, pollMilliseconds: number) {
    this.#link = link;
    this.#local = new MemoryBus(link.log);
    this.#channel = link.key('bus');
    this.#versionKey = link.key('{bus}:version');
    this.#subscriber = link.connect();
    this.#subscriber.on('message', (_channel: string, message: string) => this.#hear(message));
    this.#watching = this.#watch(pollMilliseconds);
  }

  /** Resolves when it hears what is published from now on; waits for Redis as long as that takes. */
  static async start(options: { link: RedisLink; pollMilliseconds?: number; signal?: AbortSignal }): Promise<RedisBus> {
    const bus = new RedisBus(options.link, options.pollMilliseconds ?? 2_000);
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(options.signal?.reason);
    options.signal?.addEventListener('abort', abort, { once: true });
    try {
      options.signal?.throwIfAborted();
      const subscribed = bus.#subscriber.subscribe(bus.#channel);
      await Promise.race([Promise.all([subscribed, bus.#looked.promise]), aborted.promise]);
      return bus;
    } catch (error) {
      await bus.close();
      throw error;
    } finally {
      options.signal?.removeEventListener('abort', abort);
    }
  }

  publish(event: BusEvent): void {
    this.#local.publish(event);
    void this.#send(event);
  }

  subscribe(listener: (event: BusEvent) => void): () => void {
    return this.#local.subscribe(listener);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#subscriber.disconnect();
    await this.#watching;
  }

  async #send(event: BusEvent): Promise<void> {
    try {
      const told: Told = { from: this.#id, event };
      await this.#script.run(this.#link.commands, [this.#versionKey], this.#channel, JSON.stringify(told));
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      // The others read the database every 2 s, and are told to once Redis is back.
      const reason = error instanceof Error ? error.message : String(error);
      if (!this.#unpublished) this.#link.log.warn({ reason }, 'a change could not be told to the other processes');
      this.#unpublished = true;
    }
  }

  #hear(message: string): void {
    const told = toldBy(message);
    if (told === null) {
      this.#link.log.warn({ channel: this.#channel }, 'something on the channel of the bus is no event of Sluice');
      this.#missed();
      return;
    }
    const { version, from, event } = told;
    const skipped = this.#heard !== null && version > this.#heard + 1;
    // A replica that took over may count again what its master had counted.
    this.#heard = Math.max(version, this.#heard ?? 0);
    if (skipped) this.#missed();
    if (from !== this.#id) this.#local.publish(event);
  }

  #missed(): void {
    this.#expected = null;
    this.#local.publish({ kind: 'missed' });
  }

  async #watch(pollMilliseconds: number): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#pingSubscriber();
      await this.#look().catch(() => undefined);
      await delay(pollMilliseconds, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** A connection on which nothing is asked does not notice that its server froze. Of a cluster the looks make up for it. */
  #pingSubscriber(): void {
    const subscriber = this.#subscriber;
    if (subscriber instanceof Cluster || subscriber.status !== 'ready' || this.#pinging) return;
    this.#pinging = true;
    void subscriber
      .ping()
      .catch(() => undefined)
      .finally(() => {
        this.#pinging = false;
      });
  }

  async #look(): Promise<void> {
    const before = this.#heard;
    const version = Number(await this.#script.run(this.#link.commands, [this.#versionKey], this.#channel));
    if (this.#unpublished) {
      this.#unpublished = false;
      await this.#send({ kind: 'missed' });
    }
    if (before === null) {
      this.#heard ??= version;
      this.#looked.resolve();
      return;
    }
    const heard = this.#heard ?? before;
    if (version < before || (this.#expected !== null && heard < this.#expected)) {
      this.#heard = version;
      this.#missed();
    } else this.#expected = version > heard ? version : null;
  }
}

function toldBy(message: string): (Told & { version: number }) | null {
  const end = message.indexOf(' ');
  try {
    const told = JSON.parse(message.slice(end + 1)) as Told;
    const version = Number(message.slice(0, end));
    return Number.isSafeInteger(version) && typeof told.event.kind === 'string' ? { ...told, version } : null;
  } catch {
    return null;
  }
}
