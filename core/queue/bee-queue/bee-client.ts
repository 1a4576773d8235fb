/// <reference path="./bee-queue-lua.d.ts" />
import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { scripts, shas } from 'bee-queue/lib/lua/index.js';
import type { RedisConnection } from '../../storage/redis/connection.ts';
import type { RedisLink } from '../../storage/redis/link.ts';

type Done = (error: Error | null, reply?: unknown) => void;

/** So long a blocking command waits at the server before it is sent anew: a connection that died unnoticed is found. */
const blockSeconds = 3;
const retryMilliseconds = 250;
/** What bee-queue takes for the end of a connection that it closed itself. */
const closedMessage = 'Connection is closed.';

/**
 * The commands that bee-queue 2 sends, on ioredis 6. Its name is what bee-queue knows a client by. Other than a bare
 * client it sends a script whole that the server lost in a restart (bee-queue loads them only once), runs on a cluster,
 * never fails before it was ready, and waits through outages with its blocking command and with the check for stalled
 * jobs, without which bee-queue does not begin to consume.
 */
export class Redis extends EventEmitter {
  readonly #link: RedisLink;
  readonly #connection: RedisConnection;
  /** True for a connection of its own, which ends with it. */
  readonly #owned: boolean;
  readonly #duplicates: Redis[] = [];
  #closed = false;

  constructor(link: RedisLink, connection?: RedisConnection) {
    super();
    this.#link = link;
    this.#owned = connection !== undefined;
    this.#connection = connection ?? link.commands;
    this.#connection.once('ready', () => this.emit('ready'));
  }

  get status(): string {
    return this.#connection.status;
  }

  duplicate(): Redis {
    const duplicate = new Redis(this.#link, this.#link.connect());
    this.#duplicates.push(duplicate);
    return duplicate;
  }

  /** Ends the connections that are its own, and those of its duplicates. */
  disconnect(): void {
    this.#closed = true;
    if (this.#owned) this.#connection.disconnect();
    for (const duplicate of this.#duplicates) duplicate.disconnect();
  }

  script(action: 'exists' | 'load', text: string, done: Done): void {
    const ask = (): Promise<unknown> =>
      action === 'exists' ? this.#connection.script('EXISTS', text) : this.#connection.script('LOAD', text);
    answer(this.#untilAnswered(ask), done);
  }

  evalsha(sha: string, keys: number, ...rest: [...(string | number)[], Done]): void {
    const done = rest.pop() as Done;
    const values = rest as (string | number)[];
    const patient = sha === shas.checkStalledJobs;
    answer(
      patient ? this.#untilAnswered(() => this.#script(sha, keys, values)) : this.#script(sha, keys, values),
      done,
    );
  }

  brpoplpush(source: string, destination: string, _seconds: number, done: Done): void {
    answer(
      this.#untilAnswered(async () => {
        let id: string | null = null;
        while (id === null) id = await this.#connection.brpoplpush(source, destination, blockSeconds);
        return id;
      }),
      done,
    );
  }

  hget(key: string, field: string, done: Done): void {
    answer(this.#connection.hget(key, field), done);
  }

  srem(key: string, member: string, done: Done): void {
    answer(this.#connection.srem(key, member), done);
  }

  multi() {
    return this.#connection.multi();
  }

  async #script(sha: string, keys: number, values: (string | number)[]): Promise<unknown> {
    try {
      return await this.#connection.evalsha(sha, keys, ...values);
    } catch (error) {
      const name = Object.keys(shas).find((script) => shas[script] === sha);
      const text = name === undefined ? undefined : scripts[name];
      if (text === undefined || !(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return this.#connection.eval(text, keys, ...values);
    }
  }

  async #untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      if (this.#closed) throw new Error(closedMessage);
      try {
        return await ask();
      } catch (error) {
        if (this.#closed) throw new Error(closedMessage, { cause: error });
        await delay(retryMilliseconds, undefined, { ref: false });
      }
    }
  }
}

const answer = (reply: Promise<unknown>, done: Done): void => {
  reply.then(
    (value) => done(null, value),
    (error: Error) => done(error),
  );
};
