import { randomUUID } from 'node:crypto';
import BeeQueue from 'bee-queue';
import type { RedisClient } from 'redis';
import { SluiceError } from '../../domain/errors.ts';
import type { WakeUp, WakeUpSource } from '../../storage/ports/wake-ups.ts';
import type { RedisLink } from '../../storage/redis/link.ts';
import { PendingWakeUps } from '../pending-wake-ups.ts';
import type { WakeUpQueue } from '../wake-up-queue.ts';
import { Redis } from './bee-client.ts';

/** One name in braces, so that all keys of the queue are on one server of a cluster. */
const queueName = '{mail}';
/** Wake-ups that may wait in Redis; more of them would only be older. */
const mostWaiting = 10_000;
/** Wake-ups on their way to Redis, beyond which the dispatcher has to find the rest. */
const mostSending = 10_000;
/** Jobs fetched at a time. */
const fetched = 20;
/** How long a fetched wake-up waits for this process before it is passed on to another one. */
const patienceMilliseconds = 250;
/** A job whose process fell silent for so long is anybody's again. */
const stallMilliseconds = 5_000;
/** How long an end waits for jobs in hand. */
const closeMilliseconds = 1_000;

export interface BeeWakeUpsOptions {
  readonly link: RedisLink;
  /** How long a claim waits for a wake-up before it looks at the database; default 5 s. */
  readonly pollMilliseconds?: number;
}

/**
 * Wake-ups through bee-queue. It starts and runs with or without Redis: what cannot be sent is dropped, since the
 * dispatcher finds it in the database, and claims poll. Bounded in memory and in Redis.
 */
export class BeeWakeUps implements WakeUpQueue, WakeUpSource {
  readonly #link: RedisLink;
  readonly #pending: PendingWakeUps;
  readonly #client: Redis;
  readonly #queue: BeeQueue<WakeUp>;
  readonly #consumes: boolean;
  #sending = 0;
  #dropped = false;
  #ready = false;
  #closing = false;

  private constructor({ link, pollMilliseconds }: BeeWakeUpsOptions, consumes: boolean) {
    this.#link = link;
    this.#consumes = consumes;
    this.#pending = new PendingWakeUps(pollMilliseconds === undefined ? {} : { pollMilliseconds });
    this.#client = new Redis(link);
    this.#queue = new BeeQueue(queueName, {
      prefix: link.address.prefix,
      // bee-queue looks at the name of the class, its types at those of another client.
      redis: this.#client as unknown as RedisClient,
      isWorker: consumes,
      stallInterval: stallMilliseconds,
      getEvents: false,
      sendEvents: false,
      storeJobs: false,
      removeOnSuccess: true,
      removeOnFailure: true,
      activateDelayedJobs: false,
      autoConnect: false,
    });
    // A failed command is retried or made up for; whether Redis is there at all the link says.
    this.#queue.on('error', ({ message }) => link.log.debug({ reason: message }, 'the queue of wake-ups met an error'));
  }

  /** For processes that only send. */
  static sender(options: BeeWakeUpsOptions): BeeWakeUps {
    return BeeWakeUps.#started(options, false);
  }

  /** For workers, which are woken. */
  static worker(options: BeeWakeUpsOptions): BeeWakeUps {
    return BeeWakeUps.#started(options, true);
  }

  static #started(options: BeeWakeUpsOptions, consumes: boolean): BeeWakeUps {
    const wakeUps = new BeeWakeUps(options, consumes);
    void wakeUps.#start();
    return wakeUps;
  }

  /** True once wake-ups can be sent: Redis was there, and nobody closed it since. */
  get open(): boolean {
    return this.#ready && !this.#closing;
  }

  send(wakeUps: readonly WakeUp[]): void {
    for (const wakeUp of wakeUps) void this.#save(wakeUp);
  }

  async room(): Promise<number> {
    const { commands } = this.#link;
    const key = (name: string) => `${this.#link.address.prefix}:${queueName}:${name}`;
    try {
      const [waiting, active] = await Promise.all([commands.llen(key('waiting')), commands.llen(key('active'))]);
      return Math.max(0, mostWaiting - waiting - active - this.#sending);
    } catch (cause) {
      throw new SluiceError('REDIS_UNAVAILABLE', 'Redis does not answer, so wake-ups cannot be sent', { cause });
    }
  }

  next(limit: number, signal: AbortSignal): Promise<readonly WakeUp[]> {
    return this.#pending.next(limit, signal);
  }

  /** Fetches no more, passes on what was fetched and not taken, and ends, with or without Redis, within a second or two. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    const closed = this.#ready ? this.#queue.close(closeMilliseconds) : undefined;
    this.#pending.refuseAll();
    await closed?.catch(() => undefined);
    this.#client.disconnect();
  }

  async #start(): Promise<void> {
    try {
      void this.#queue.connect();
      await this.#queue.ready();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!this.#closing) this.#link.log.error({ reason }, 'the queue of wake-ups could not be opened');
      return;
    }
    this.#ready = true;
    if (!this.#consumes || this.#closing) return;
    this.#queue.process(fetched, (job) => this.#handle(job.data));
    this.#queue.checkStalledJobs(stallMilliseconds).catch(() => undefined);
  }

  async #handle(wakeUp: WakeUp): Promise<void> {
    if (this.#closing || !(await this.#pending.offer(wakeUp, patienceMilliseconds))) await this.#save(wakeUp);
  }

  async #save(wakeUp: WakeUp): Promise<void> {
    if (!this.#ready || this.#sending >= mostSending) return this.#drop();
    this.#sending += 1;
    try {
      // A name of its own: bee-queue silently drops a job whose name is still in the queue, or being worked on.
      await this.#queue.createJob(wakeUp).setId(`${wakeUp.id}.${wakeUp.attempt}.${randomUUID()}`).save();
      this.#dropped = false;
    } catch {
      this.#drop();
    } finally {
      this.#sending -= 1;
    }
  }

  #drop(): void {
    if (!this.#dropped) this.#link.log.warn('wake-ups cannot be sent; the mail is found in the database');
    this.#dropped = true;
  }
}
