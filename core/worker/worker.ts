import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../domain/clock.ts';
import type { Logger } from '../observability/log.ts';
import type { PipelineSource } from '../pipeline/pipeline.ts';
import type { Claim, DeliveryStore } from '../storage/ports/delivery-store.ts';
import { ClaimedWork } from './claimed-work.ts';
import { DeliveryRun, type RunParts } from './delivery-run.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { Settler } from './settler.ts';
import { UpstreamSlots } from './upstream-slots.ts';
import { UpstreamWatch } from './upstream-watch.ts';

export interface WorkerParts {
  readonly store: DeliveryStore;
  readonly pipelines: PipelineSource;
  readonly config: Config['worker'];
  readonly hostname: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Name of this worker in the store; default host name and process id. */
  readonly name?: string;
  /** How long mail waits for an upstream before other mail is claimed in its stead, in milliseconds; default 5,000. */
  readonly patience?: number;
}

export interface WorkerState {
  readonly running: boolean;
  /** Upstream transactions under way, and those that wait for their turn. */
  readonly delivering: number;
  readonly ready: number;
  /** Outcomes on their way to the disk. */
  readonly settling: number;
}

export interface Worker {
  start(): void;
  /**
   * Claims no more, gives back what was not begun and waits up to `graceMilliseconds` for what is under way; what
   * then goes on is broken off and recorded so. Resolves when nothing is left to be written.
   */
  stop(graceMilliseconds: number): Promise<void>;
  state(): WorkerState;
}

/** Outcomes that may wait for the disk before no more mail is claimed. */
const mostSettling = 1_000;
const defaultPatience = 5_000;
/** How long a claim that failed is not tried again: first and at most, in milliseconds. */
const claimPauses = { first: 100, most: 5_000 };

/** The relay's engine: claims due mail, has it routed and sent by plugins, and settles what came of it. */
export function createWorker(parts: WorkerParts): Worker {
  return new DeliveryWorker(parts);
}

class DeliveryWorker implements Worker {
  readonly #parts: WorkerParts;
  readonly #name: string;
  readonly #run: RunParts;
  readonly #leases: LeaseKeeper;
  readonly #settler: Settler;
  readonly #slots: UpstreamSlots;
  readonly #stopping = new AbortController();
  /** Claimed messages that are not handed over to be settled yet. */
  #works = 0;
  #claiming: Promise<void> | null = null;
  #stopped: Promise<void> | null = null;
  /** Wakes the claim loop, or `stop`, whichever waits. */
  #onChange: (() => void) | null = null;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    const { store, pipelines, config, hostname, clock, log } = parts;
    this.#name = parts.name ?? `${hostname}:${process.pid}`;
    this.#leases = new LeaseKeeper(store, config, log);
    this.#settler = new Settler(store, this.#leases, log, () => this.#changed());
    const upstreams = new UpstreamWatch(store, log);
    this.#slots = new UpstreamSlots({ ...config, patience: parts.patience ?? defaultPatience });
    this.#run = {
      store,
      settler: this.#settler,
      upstreams,
      slots: this.#slots,
      stillHolds: (work) => this.#leases.stillHolds(work),
      isCurrent: (pipeline) => pipelines.current(null) === pipeline,
      rules: config,
      hostname,
      clock,
      log,
    };
  }

  start(): void {
    this.#leases.start();
    this.#claiming ??= this.#claim();
  }

  state(): WorkerState {
    return {
      running: this.#claiming !== null && !this.#stopping.signal.aborted,
      delivering: this.#slots.sending,
      ready: this.#slots.waiting,
      settling: this.#settler.pending,
    };
  }

  stop(graceMilliseconds: number): Promise<void> {
    this.#stopped ??= this.#drain(graceMilliseconds);
    return this.#stopped;
  }

  async #drain(graceMilliseconds: number): Promise<void> {
    const deadline = setTimeout(() => this.#breakOff(), graceMilliseconds);
    this.#stopping.abort();
    this.#slots.stop();
    this.#changed();
    await this.#claiming;
    while (this.#works > 0 || this.#settler.pending > 0) await this.#change();
    clearTimeout(deadline);
    this.#leases.stop();
  }

  /** Keeps a claim open whenever there is room: no route ever waits for a timer. */
  async #claim(): Promise<void> {
    const { store, config, log } = this.#parts;
    const { signal } = this.#stopping;
    let wait = claimPauses.first;
    while (!signal.aborted) {
      const room = this.#room();
      if (room < this.#leastRoom) {
        await this.#change();
        continue;
      }
      try {
        const claims = await store.claim({ limit: room, worker: this.#name, leaseMilliseconds: config.lease, signal });
        for (const claim of claims) this.#take(claim);
        wait = claimPauses.first;
      } catch (error) {
        if (signal.aborted) return;
        log.error({ err: error }, 'mail could not be claimed; trying again');
        await pause(wait, undefined, { signal }).catch(() => undefined);
        wait = Math.min(wait * 2, claimPauses.most);
      }
    }
  }

  #room(): number {
    if (this.#settler.pending >= mostSettling) return 0;
    const { concurrency, ahead } = this.#parts.config;
    return concurrency + ahead - this.#works;
  }

  /** Claims are made for several at a time, while others are still being sent. */
  get #leastRoom(): number {
    return Math.max(1, Math.floor(this.#parts.config.ahead / 2));
  }

  #take(claim: Claim): void {
    const work = new ClaimedWork(claim);
    this.#leases.add(work);
    if (this.#stopping.signal.aborted) this.#giveBack(work);
    else void this.#deliver(work);
  }

  async #deliver(work: ClaimedWork): Promise<void> {
    this.#works += 1;
    try {
      await new DeliveryRun(this.#run, work, this.#parts.pipelines.current(null)).run();
    } catch (error) {
      // Nothing is known to have been sent or not: the lease runs out, and the store tries it again, as after a crash.
      this.#parts.log.error({ err: error, id: work.claim.record.id }, 'a delivery failed inside the relay');
      this.#leases.remove(work);
    }
    this.#works -= 1;
    this.#changed();
  }

  /** Ends the lease of a message that was not begun. */
  #giveBack(work: ClaimedWork): void {
    const nothing = { lease: work.lease, recipients: [], attempts: [], generated: [], release: true };
    void this.#settler.settle(work, nothing);
  }

  #breakOff(): void {
    for (const work of this.#leases.works()) work.abort('the worker stops');
    this.#settler.giveUp();
  }

  #changed(): void {
    const wake = this.#onChange;
    this.#onChange = null;
    wake?.();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#onChange = resolve;
    });
  }
}
