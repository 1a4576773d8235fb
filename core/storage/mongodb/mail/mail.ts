import type { Logger } from '../../../observability/log.ts';
import type { DeliveryStatistics } from '../../ports/delivery-statistics.ts';
import type { DeliveryStore } from '../../ports/delivery-store.ts';
import type { MailLog, QueueActions } from '../../ports/mail-log.ts';
import type { MessageStore } from '../../ports/message-store.ts';
import type { DispatchStore, WakeUpSender, WakeUpSource } from '../../ports/wake-ups.ts';
import { dayMilliseconds } from '../../rules/time-spans.ts';
import type { AuditOutbox } from '../audit-outbox.ts';
import type { MongodbDatabase } from '../client.ts';
import type { EventPublisher } from '../events/event-publisher.ts';
import type { Sweep } from '../sweeper.ts';
import { AbandonedLeases } from './abandoned-leases.ts';
import { Attempts } from './attempts.ts';
import { Bodies } from './bodies.ts';
import { ClaimCandidates } from './claim-candidates.ts';
import { ClaimDesk } from './claim-desk.ts';
import { ConservationSum } from './conservation.ts';
import { mongodbDeliveryStatistics } from './delivery-statistics.ts';
import { MongodbDeliveryStore } from './delivery-store.ts';
import { mongodbDispatch } from './dispatch.ts';
import { EventOutbox } from './event-outbox.ts';
import { GeneratedMessages } from './generated-messages.ts';
import { HeldMessages } from './held-messages.ts';
import { Leases } from './leases.ts';
import { MongodbMailLog } from './mail-log.ts';
import { MongodbMessageStore } from './message-store.ts';
import { Moments } from './moments.ts';
import { NextEvent } from './next-event.ts';
import { OrphanBodies } from './orphan-bodies.ts';
import { MongodbQueueActions } from './queue-actions.ts';
import { Records } from './records.ts';
import { Retention } from './retention.ts';
import { ServerClock } from './server-clock.ts';
import { Settlements } from './settlements.ts';
import { Statistics } from './statistics.ts';
import { Withdrawals } from './withdrawals.ts';

/** Times in milliseconds. */
export interface MongodbMailOptions {
  readonly log: Logger;
  readonly audit: AuditOutbox;
  readonly publisher: EventPublisher;
  /** `worker.ambiguous_delay`: when mail is tried again that may have been sent already. */
  readonly ambiguousDelay: number;
  /** `smtp.limits.unwritten`: bytes that wait for the database, beyond which no mail is taken. Default 64 MB. */
  readonly unwritten?: number;
  /** Default: as the configuration's. */
  readonly retention?: {
    /** Bodies of captured mail. */
    readonly captured: number;
    /** Records of finished mail, and refusals. */
    readonly log: number;
    /** Twice the DATA deadline: a body without a record is given up after this. */
    readonly receiving: number;
  };
  /** How long a claim waits before it looks at the database all the same. Default 5 s. */
  readonly poll?: number;
  /** How wake-ups travel between the processes of a cluster; without them a process wakes only itself. */
  readonly wakeUps?: { readonly sender?: WakeUpSender; readonly source?: WakeUpSource };
  /** Workers call `tellDot`: of what they did not tell it is known that it was not sent. */
  readonly tellsDots?: boolean;
}

/** The mail side of the storage ports on one MongoDB. */
export interface MongodbMail {
  readonly messages: MessageStore;
  readonly deliveries: DeliveryStore;
  readonly mailLog: MailLog;
  readonly queueActions: QueueActions;
  readonly deliveryStatistics: DeliveryStatistics;
  readonly dispatch: DispatchStore;
  /** What has to be done again and again; any number of processes may. */
  readonly sweeps: readonly Sweep[];
  /** Something may be due: whoever waits for a claim looks at once. */
  wake(): void;
  /** Resolves once all that was handed over is answered for. */
  close(): Promise<void>;
}

const defaultRetention = { captured: 7 * dayMilliseconds, log: 30 * dayMilliseconds, receiving: 600_000 };

/** Reads the server's clock first; rejects where it cannot. */
export async function openMongodbMail(database: MongodbDatabase, options: MongodbMailOptions): Promise<MongodbMail> {
  const { log, audit, publisher, ambiguousDelay, retention: times = defaultRetention, wakeUps = {} } = options;
  const { unwritten = 64 * 1024 * 1024, poll = 5_000, tellsDots = false } = options;
  const clock = new ServerClock(database.db);
  await database.ask(() => clock.read());
  const messages = database.collection('messages');
  const moments = new Moments(clock, times.captured);
  const conservation = new ConservationSum(database);
  moments.closedDay = await database.ask(() => conservation.lastClosedDay());

  const bodies = new Bodies(database.collection('bodies'), () => clock.now());
  const attempts = new Attempts(database.collection('attempts'));
  const statistics = new Statistics(database);
  const withdrawals = new Withdrawals(database, { bodies, log, now: () => clock.now() });
  const events = new EventOutbox(database, publisher);
  const records = new Records(database, { statistics, withdrawals, events });
  const held = new HeldMessages();
  const leases = new Leases({ messages, bodies, held, clock, tellsDots });
  const abandoned = new AbandonedLeases({ messages, attempts, statistics, events, clock, moments, ambiguousDelay });

  const onDue = (): void => desk.wake();
  const onCommitted: WakeUpSender['send'] = (committed) => {
    wakeUps.sender?.send(committed);
    desk.wake();
  };
  const generated = new GeneratedMessages(messages, { bodies, records, moments, onCommitted });
  const settlements = new Settlements({
    messages,
    bodies,
    attempts,
    held,
    generated,
    statistics,
    events,
    moments,
    onDue,
  });
  const desk = new ClaimDesk({
    leases,
    candidates: new ClaimCandidates(messages),
    abandoned,
    nextEvent: new NextEvent(messages, clock),
    wakeUps: wakeUps.source ?? null,
    poll,
    giveBack: ({ lease }) => {
      // What cannot be given back comes back when its lease ends.
      settlements.settle({ lease, recipients: [], attempts: [], generated: [], release: true }).catch(() => undefined);
    },
  });
  const actions = new MongodbQueueActions({ database, statistics, events, bodies, moments, audit, onDue });
  const retention = new Retention({ database, bodies, attempts, conservation, clock, moments, log: times.log });
  const orphans = new OrphanBodies(database, { bodies, clock, receiving: times.receiving });

  return {
    messages: new MongodbMessageStore({
      bodies,
      records,
      statistics,
      moments,
      unwritten,
      onCommitted,
    }),
    deliveries: new MongodbDeliveryStore({ database, desk, leases, settlements, actions, bodies }),
    mailLog: new MongodbMailLog({ database, bodies, attempts, conservation }),
    queueActions: actions,
    deliveryStatistics: mongodbDeliveryStatistics(database),
    dispatch: mongodbDispatch(database),
    sweeps: [
      () => clock.read().then(() => 0),
      () => statistics.save().then(() => 0),
      // Before the bodies: a report that was left behind is about to get its record.
      (limit) => generated.sweep(limit),
      () => abandoned.endExpired(),
      () => retention.closeDays(),
      (limit) => orphans.sweep(limit),
      (limit) => retention.purgeCaptured(limit),
      (limit) => retention.purgeRecords(limit),
      (limit) => retention.purgeRefusals(limit),
      (limit) => retention.purgeStatistics(limit),
    ],
    wake: onDue,
    async close() {
      desk.close();
      await bodies.drained();
      await records.drained();
      await settlements.drained();
      await withdrawals.close();
      await statistics.save();
    },
  };
}
