import type { Clock } from '../domain/clock.ts';
import { type Delivery, type DeliveryJob, type RecipientOutcome, routeNames } from '../domain/delivery.ts';
import { SluiceError } from '../domain/errors.ts';
import type { Attempt, RecipientRecord, RecipientState } from '../domain/message.ts';
import { reply } from '../domain/reply.ts';
import type { Logger } from '../observability/log.ts';
import type { Call, Pipeline, Trace } from '../pipeline/pipeline.ts';
import { messageFromRecord, type StoredMessage } from '../spool/message-from-record.ts';
import type { DeliveryStore, Settled } from '../storage/ports/delivery-store.ts';
import type { ClaimedWork } from './claimed-work.ts';
import { corruptDelivery, deliveryOf, isDone, postponedDelivery } from './delivery-answer.ts';
import { type ReportSettings, reports } from './dsn/reports.ts';
import { progress, type RetryRules } from './recipient-progress.ts';
import { dueRecipients, routedJobs } from './routed-jobs.ts';
import type { Settler } from './settler.ts';
import type { UpstreamSlots } from './upstream-slots.ts';
import type { UpstreamWatch } from './upstream-watch.ts';

export interface RunParts {
  readonly store: DeliveryStore;
  readonly settler: Settler;
  readonly upstreams: UpstreamWatch;
  readonly slots: UpstreamSlots;
  /** False where the lease may have run out meanwhile. */
  readonly stillHolds: (work: ClaimedWork) => boolean;
  /** False once other plugins are in force: what has not begun is routed anew. */
  readonly isCurrent: (pipeline: Pipeline) => boolean;
  readonly rules: RetryRules & ReportSettings;
  readonly hostname: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The worker's hooks leave no trace in the record: attempts say what happened. */
const noTrace: Trace = { add: () => {}, entries: () => [] };

/** How long mail waits that could not be worked on for reasons inside the relay, in milliseconds. */
const troublePause = 30_000;
const trouble = reply(451, '4.3.0', 'a fault inside the relay; see its log');

/** How long mail waits at least and at most that was sent back because its upstream does not keep up, in milliseconds. */
const crowdedPause = { least: 10_000, most: 20_000 };
const crowded = reply(451, '4.4.5', 'its upstream does not keep up; other mail goes first');

const isCorrupt = (error: unknown): boolean => error instanceof SluiceError && error.code === 'MESSAGE_CORRUPT';

/** One claimed message on its way: routed, sent by route, and settled route by route. */
export class DeliveryRun {
  readonly #parts: RunParts;
  readonly #work: ClaimedWork;
  readonly #pipeline: Pipeline;
  readonly #call: Call;

  constructor(parts: RunParts, work: ClaimedWork, pipeline: Pipeline) {
    this.#parts = parts;
    this.#work = work;
    this.#pipeline = pipeline;
    this.#call = { trace: noTrace, signal: work.signal };
  }

  /** Resolves when every answer is known and handed over to be written. Never rejects. */
  async run(): Promise<void> {
    const { record } = this.#work.claim;
    const release = this.#pipeline.hold();
    try {
      const due = dueRecipients(record, this.#parts.clock.now());
      const routing = routedJobs(this.#pipeline, record, due, this.#call);
      const { jobs, decided } = routing instanceof Promise ? await routing : routing;
      this.#work.open = jobs.length + (decided.length > 0 ? 1 : 0);
      if (this.#work.open === 0) {
        this.#work.open = 1;
        await this.#settle({ record, recipients: [], route: { upstreams: [] } }, deliveredNothing);
        return;
      }
      const [only] = jobs;
      if (only !== undefined && jobs.length === 1 && decided.length === 0) {
        await this.#deliver(only);
        return;
      }
      const ways = jobs.map((job) => this.#deliver(job));
      if (decided.length > 0) {
        const recipients = decided.map(({ index }) => index);
        const outcomes = decided.map(({ outcome }) => outcome);
        const job = { record, recipients, route: { upstreams: [] } };
        ways.push(this.#settle(job, { outcomes, attempts: [], phase: 'connect' }));
      }
      await Promise.all(ways);
    } finally {
      release();
    }
  }

  /** Waits for a place, sends and settles. */
  async #deliver(job: DeliveryJob): Promise<void> {
    const { slots, upstreams, clock, stillHolds, isCurrent } = this.#parts;
    const upstream = routeNames(job.route)[0] ?? '';
    const entering = slots.enter(upstream);
    const turn = entering instanceof Promise ? await entering : entering;
    if (turn === 'stop') return this.#giveBack(job);
    if (turn === 'later') {
      const { least, most } = crowdedPause;
      const pause = Math.round(least + Math.random() * (most - least));
      return this.#settle(job, postponedDelivery(job, crowded, clock.now() + pause));
    }
    try {
      if (!stillHolds(this.#work)) return;
      if (entering instanceof Promise && !isCurrent(this.#pipeline)) return this.#giveBack(job);
      const delivery = await this.#send(this.#telling(job));
      upstreams.saw(job, delivery);
      await this.#settle(job, delivery);
    } finally {
      slots.leave(upstream);
    }
  }

  /** Leaves the recipients as they were, for whoever claims them next. */
  #giveBack({ record, route }: DeliveryJob): Promise<void> {
    return this.#settle({ record, recipients: [], route }, deliveredNothing);
  }

  /** The job with the question to be asked before its final dot, where the store needs to be told. */
  #telling(job: DeliveryJob): DeliveryJob {
    const { store } = this.#parts;
    const work = this.#work;
    if (store.tellDot === undefined) return job;
    return {
      ...job,
      async tellDot(recipients) {
        if (work.lost) return false;
        const held = (await store.tellDot?.(work.lease, recipients)) === true;
        if (!held) work.lose();
        return held;
      },
    };
  }

  async #send(job: DeliveryJob): Promise<Delivery> {
    const { log, clock } = this.#parts;
    try {
      const opening = this.#message();
      const message = opening instanceof Promise ? await opening : opening;
      const asked = this.#pipeline.first('deliver', { job, message }, this.#call);
      const answer = asked instanceof Promise ? await asked : asked;
      if (message.corrupt) log.error({ id: message.id }, 'the stored bytes of a message are corrupt; it is held');
      return deliveryOf(job, answer, message.corrupt);
    } catch (error) {
      log.error({ err: error, id: job.record.id }, 'a message could not be worked on');
      if (isCorrupt(error)) return corruptDelivery(job);
      return postponedDelivery(job, trouble, clock.now() + troublePause);
    }
  }

  #message(): StoredMessage | Promise<StoredMessage> {
    const { record, body } = this.#work.claim;
    return messageFromRecord(record, body, (id, n) => this.#parts.store.readChunk(id, n));
  }

  /** Hands one upstream transaction's outcome over; resolves before it is durable. */
  async #settle(job: DeliveryJob, answered: Delivery): Promise<void> {
    const { clock, rules, hostname, settler, log } = this.#parts;
    const { record } = job;
    const now = clock.now();
    let delivery = answered;
    let changed = this.#progress(job, delivery, now);
    if (this.#pipeline.has('outcome') && delivery.outcomes.some((outcome) => !isDone(outcome))) {
      delivery = await this.#reviewed(job, answered, changed);
      if (delivery !== answered) changed = this.#progress(job, delivery, now);
    }
    const told = changed.filter(({ outcome }) => !('report' in outcome) || outcome.report !== false);
    const reporting = reports(record, told, () => this.#message(), rules, { hostname, now });
    const generated = reporting instanceof Promise ? await reporting : reporting;
    if (this.#work.lost) {
      log.warn({ id: record.id, attempts: delivery.attempts }, 'an outcome is not written: the lease was lost');
      return;
    }
    this.#work.open -= 1;
    const settlement = {
      lease: this.#work.lease,
      recipients: changed.map(({ index, recipient }) => ({ index, recipient })),
      attempts: delivery.attempts,
      generated,
      release: this.#work.open === 0,
    };
    void settler.settle(this.#work, settlement).then((settled) => {
      const states = changed.map(({ recipient }) => recipient.state);
      this.#tell(job, delivery, states, settled);
    });
  }

  /** The recipients of a job as the delivery leaves them. */
  #progress(job: DeliveryJob, { outcomes, attempts }: Delivery, now: number): Changed[] {
    const { record, route } = job;
    return job.recipients.map((index, position) => {
      const before = record.recipients[index];
      const outcome = outcomes[position];
      if (before === undefined || outcome === undefined) throw new RangeError('a delivery has one outcome a recipient');
      const attempt = attemptOf(attempts, before.address);
      const upstream = attempt?.upstream ?? routeNames(route)[0] ?? null;
      const tried = { acceptedAt: record.acceptedAt, now, upstream };
      return { index, attempt, outcome, recipient: progress(before, outcome, tried, this.#parts.rules) };
    });
  }

  /**
   * What plugins make of a delivery that was not a success. Nothing changes for recipients that have the message, nor for
   * those that an operator has returned.
   */
  async #reviewed(job: DeliveryJob, delivery: Delivery, changed: readonly Changed[]): Promise<Delivery> {
    const recipients = changed.map(({ recipient }) => recipient);
    const answer = await this.#pipeline.first('outcome', { job, delivery, recipients }, { trace: noTrace });
    if (answer?.do !== 'accept') return delivery;
    const outcomes = delivery.outcomes.map((outcome, position) => {
      const returned = job.record.recipients[job.recipients[position] ?? -1]?.bounceOrdered === true;
      return returned || isDone(outcome) ? outcome : (answer.value[position] ?? outcome);
    });
    return { ...delivery, outcomes };
  }

  /** After an outcome is durable its observers hear of it. */
  #tell(job: DeliveryJob, delivery: Delivery, states: readonly RecipientState[], settled: Settled | null): void {
    if (settled === null) return;
    if (settled.requested !== null) {
      this.#parts.log.info({ id: job.record.id, requested: settled.requested }, "an operator's request was honoured");
    }
    for (const [hook, told] of observers) {
      if (!this.#pipeline.has(hook) || !states.some((state) => told.has(state))) continue;
      this.#pipeline.tell(hook, { job, delivery }, { trace: noTrace });
    }
  }
}

/** A recipient after an outcome. */
interface Changed {
  readonly index: number;
  readonly attempt: Attempt | null;
  readonly outcome: RecipientOutcome;
  readonly recipient: RecipientRecord;
}

const deliveredNothing: Delivery = { outcomes: [], attempts: [], phase: 'connect' };

/** Which observers hear of a recipient that came into which state. */
const observers = [
  ['delivered', new Set<RecipientState>(['delivered', 'relayed', 'captured', 'discarded'])],
  ['deferred', new Set<RecipientState>(['deferred', 'held'])],
  ['bounced', new Set<RecipientState>(['bounced', 'expired'])],
] as const;

/** The last attempt in which this recipient took part. */
function attemptOf(attempts: readonly Attempt[], address: string): Attempt | null {
  return attempts.findLast(({ results }) => results.some(({ recipient }) => recipient === address)) ?? null;
}
