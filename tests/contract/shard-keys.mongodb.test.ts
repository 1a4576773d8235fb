import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLog } from '../../core/observability/log.ts';
import { PendingWakeUps } from '../../core/queue/pending-wake-ups.ts';
import { Bodies } from '../../core/storage/mongodb/mail/bodies.ts';
import { Withdrawals } from '../../core/storage/mongodb/mail/withdrawals.ts';
import { scatteredCommands } from '../../core/storage/mongodb/scattered-commands.ts';
import { shardKeys } from '../../core/storage/mongodb/shard-keys.ts';
import { type MongodbStore, openMongodbStore } from '../../core/storage/mongodb/store.ts';
import type { Claim } from '../../core/storage/ports/delivery-store.ts';
import { chunkSize } from '../../core/storage/ports/message-store.ts';
import { describeWith } from '../support/describe-with.ts';
import { type TestDatabase, testDatabase } from '../support/mongodb-database.ts';
import { waitFor } from '../support/wait-for.ts';
import { claim, deferred, finish, finished, mail, recipient, refusal } from './mail.ts';
import { monitored } from './mongodb-storage.ts';
import { fieldsOf, isTargeted, ShardTargeting } from './shard-targeting.ts';

const log = createLog({ level: 'silent' });
const soon = 100;

/** Once a message or more often; each goes to the shards that have what it is about. */
const hot = [
  // Bodies, then records.
  'insert bodies',
  'insert messages',
  // Claims, led by a wake-up and found in the database; what was claimed, with its body.
  'update messages (_id, claims, due, slot)',
  'find messages (due, lane, slot)',
  'update messages (_id, due, slot)',
  'find messages (_id, lease.claim, slot)',
  'find bodies (_id)',
  // The dispatcher's stamp.
  'update messages (_id, dispatchedAt, due, slot)',
  'find messages (_id, dispatchedBy, slot)',
  // Leases, the dot, outcomes, and the body that goes with the last of them.
  'update messages (_id, lease.token, slot)',
  'update messages (_id, lease.token, rev, slot)',
  'delete bodies (_id)',
  // Events and audit entries leave their record; statistics, uses of credentials.
  'update messages (_id, slot)',
  'update statistics (_id, owner)',
  'update domain_statistics (_id, owner)',
  'update upstream_statistics (_id, owner)',
  'find domain_statistics (hour, name, owner)',
  'update known_addresses (_id)',
  'find known_addresses (_id, at)',
  // Attempts that leave their record, and are read again.
  'insert attempts',
  'find attempts (_id)',
  'delete attempts (_id)',
  // One message, for a person.
  'find messages (_id, kind, slot)',
  'update messages (_id, rev, slot)',
  // What plugins keep, and calls of the API that may be repeated.
  'find key_values (_id)',
  'update key_values (_id)',
  'delete key_values (_id)',
  'insert idempotency_keys',
  'find idempotency_keys (_id)',
  'update idempotency_keys (_id)',
  // What a 451 takes back.
  'update messages (_id, commit, rev, slot)',
];

describeWith(['mongodb'], 'a sharded MongoDB', () => {
  let test: TestDatabase;
  let targeting: ShardTargeting;
  let pending: PendingWakeUps;
  let stores: MongodbStore[];
  beforeEach(async () => {
    test = await testDatabase();
    targeting = new ShardTargeting();
    pending = new PendingWakeUps({ pollMilliseconds: soon });
    stores = [];
  });
  afterEach(async () => {
    for (const store of stores) await store.close();
    await test.drop();
  });

  async function open(retention: number): Promise<MongodbStore> {
    const store = await openMongodbStore({
      uri: monitored(test.uri),
      log,
      ambiguousDelay: 0,
      poll: soon,
      tellsDots: true,
      wakeUps: { source: pending },
      retention: { captured: retention, log: retention, receiving: retention },
    });
    targeting.watch(store.database.db.client);
    stores.push(store);
    return store;
  }

  /** The whole life of mail of every kind, as accepting process, worker and API. */
  async function live(store: MongodbStore): Promise<void> {
    const { messages, deliveries, dispatch, mailLog, queueActions } = store;
    const one = async (): Promise<Claim> => {
      const [claimed] = await claim(deliveries, 1);
      if (claimed === undefined) throw new Error('nothing was due');
      return claimed;
    };
    const later = async ({ lease, record }: Claim, upstream?: string): Promise<void> => {
      const recipients = record.recipients.map((before, index) => {
        const after = deferred(before, Date.now());
        return { index, recipient: upstream === undefined ? after : { ...after, upstream, postponed: true as const } };
      });
      const attempt = {
        messageId: record.id,
        at: Date.now(),
        upstream: 'default',
        host: null,
        phase: 'rcpt',
        tls: null,
        milliseconds: 1,
        ambiguous: false,
        results: [],
      } as const;
      await deliveries.settle({ lease, recipients, attempts: [attempt], generated: [], release: true });
    };

    // Accepted, dispatched, claimed by its wake-up, the dot told of, delivered.
    await messages.commit(mail());
    const [wakeUp] = await dispatch.dispatchable({ limit: 10, sentBefore: Date.now() });
    if (wakeUp === undefined) throw new Error('nothing was dispatched');
    void pending.offer(wakeUp, 10_000);
    const first = await one();
    await deliveries.renew([first.lease], 45_000);
    expect(await deliveries.tellDot?.(first.lease, [0])).toBe(true);
    await deliveries.settle({
      lease: first.lease,
      recipients: [{ index: 0, recipient: finished(first.record.recipients[0] ?? recipient('x@example.com')) }],
      attempts: [],
      generated: [],
      release: true,
    });
    expect(await mailLog.get(first.record.id)).not.toBeNull();

    // A large body, deferred until its attempts leave the record; then held back by a breaker.
    const large = mail({ bytes: randomBytes(10) });
    await messages.beginBody(large.facts.id);
    await messages.writeChunk(large.facts.id, 0, randomBytes(chunkSize));
    await messages.writeChunk(large.facts.id, 1, randomBytes(10));
    await messages.commit({ ...large, body: { kind: 'chunks', count: 2 } });
    for (let n = 0; n < 7; n += 1) await later(await one());
    expect(await mailLog.attempts(large.facts.id)).toHaveLength(7);
    await later(await one(), 'away');
    await deliveries.wakeUpstream('away', 1);
    const readable = await one();
    expect(await deliveries.readChunk(readable.record.id, 1)).toHaveLength(10);
    await finish(deliveries, readable);

    // Bounced, with a report; captured.
    await messages.commit(mail());
    const bounced = await one();
    await deliveries.settle({
      lease: bounced.lease,
      recipients: bounced.record.recipients.map((before, index) => ({ index, recipient: finished(before, 'bounced') })),
      attempts: [],
      generated: [mail({ facts: { origin: 'bounce', sender: '' } })],
      release: true,
    });
    await finish(deliveries, await one());
    await messages.commit(mail());
    await finish(deliveries, await one(), 'captured');

    // Refused; given up in the middle, its body to be swept; orders of an operator.
    messages.recordRefusal(refusal());
    await store.database
      .collection('bodies')
      .insertOne({ _id: { message: mail().facts.id, n: 0 }, commit: 'x', at: 1, bytes: randomBytes(5) });
    const ordered = mail();
    await messages.commit(ordered);
    await queueActions.act(ordered.facts.id, { do: 'hold' });
    await queueActions.act(ordered.facts.id, { do: 'cancel' });

    // A lease that ran out.
    await messages.commit(mail());
    await claim(deliveries, 1, 1);
    await waitFor('the message of a lease that ran out', async () => {
      await store.sweep();
      return (await mailLog.queueState()).leased === 0;
    });
    await finish(deliveries, await one());
  }

  /** What people, programs and lost counters ask. */
  async function ask(store: MongodbStore): Promise<void> {
    const { mailLog, deliveryStatistics, accounts, idempotency } = store;
    const span = { from: 0, until: Date.now() + 3_600_000 };
    await mailLog.list({ status: 'delivered', domain: 'example.com' }, { limit: 5 });
    await mailLog.queue({ limit: 5 });
    await mailLog.queueMatches({ domain: 'example.com' }, { limit: 5 });
    await mailLog.queueState();
    await mailLog.conservation();
    await mailLog.statistics(span);
    await mailLog.acceptedBetween({ ownerId: 'owner-1' }, 0, span.until);
    for (const groupBy of ['credential', 'domain', 'upstream'] as const) {
      await deliveryStatistics.summarise({ boundaries: [0, span.until], groupBy, top: 5 });
    }
    await accounts.touchCredential('credential-1', Date.now(), '192.0.2.1');
    await accounts.knownAddress('credential-1', '192.0.2.1', 0);
    const values = store.keyValue('plugin');
    await values.set('key', 1);
    await values.get('key');
    await values.delete('key');
    const key = randomUUID();
    await idempotency.begin(key, 'digest', Date.now(), Date.now() + 1_000);
    await idempotency.begin(key, 'digest', Date.now(), Date.now() + 1_000);
    await idempotency.finish(key, 'answer');
  }

  /** Days later everything is purged. */
  async function purge(store: MongodbStore): Promise<void> {
    const messages = store.database.collection('messages');
    const all = { slot: { $in: Array.from({ length: 64 }, (_, slot) => slot) } };
    await messages.updateMany({ ...all, finalDay: { $exists: true } }, { $inc: { finalDay: -3 } });
    await messages.updateMany({ ...all, purgeAt: { $exists: true } }, { $set: { purgeAt: 1 } });
    for (const name of ['statistics', 'domain_statistics', 'upstream_statistics'] as const) {
      const old = { owner: 'owner-old', hour: 0, credential: null, name: 'old' };
      await store.database.collection(name).insertOne({ _id: old, ...old });
    }
    await waitFor('what is final to go', async () => {
      await store.sweep();
      return (await store.mailLog.list({}, { limit: 50 })).items.length === 0;
    });
  }

  it('is told by every hot command which shards it is about, in the whole life of mail', async () => {
    const store = await open(3_600_000);
    await live(store);
    await ask(store);
    const withdrawals = new Withdrawals(store.database, {
      bodies: new Bodies(store.database.collection('bodies'), Date.now),
      log,
      now: Date.now,
    });
    const doubtful = mail();
    await store.messages.commit(doubtful);
    withdrawals.add({ _id: doubtful.facts.id, commit: 'of another', chunks: 1 });
    await withdrawals.close();
    await finish(store.deliveries, (await claim(store.deliveries, 1))[0] as Claim);
    await purge(await open(0));
    // What is written in the background is written now.
    for (const one of stores.splice(0)) await one.close();

    expect([...targeting.problems]).toEqual([]);
    const missing = hot.filter((one) => !targeting.targeted.has(one));
    expect(missing, [...targeting.targeted].sort().join('\n')).toEqual([]);
    // What is listed and never sent is a list that nobody keeps.
    expect(scatteredCommands.filter((one) => !targeting.scattered.has(one))).toEqual([]);
  });

  it('has no unique index that its shard key does not lead', async () => {
    const store = await open(3_600_000);
    await store.messages.commit(mail());
    const collections = await store.database.db.listCollections({}, { nameOnly: true }).toArray();
    const named = collections.map(({ name }) => name).filter((name) => !name.startsWith('system.'));
    expect(named.filter((name) => !(name in shardKeys))).toEqual([]);
    for (const [name, { key }] of Object.entries(shardKeys)) {
      if (key === null || !named.includes(name)) continue;
      const indexes = await store.database.db.collection(name).indexes();
      const unique = indexes.filter((index) => index.unique === true && index.name !== '_id_');
      expect([name, unique]).toEqual([name, []]);
    }
  });
});

it('tells what names its shards from what does not', () => {
  const about = { collection: 'messages', command: 'find', single: false } as const;
  const key = { slot: 1, _id: 1 } as const;
  expect(isTargeted(key, { ...about, filter: { slot: { $in: [1, 2] }, due: 1 } })).toBe(true);
  expect(isTargeted(key, { ...about, filter: { $and: [{ due: 1 }, { slot: 3 }] } })).toBe(true);
  expect(isTargeted(key, { ...about, filter: { $or: [{ slot: 3 }, { due: 1 }] } })).toBe(false);
  expect(isTargeted(key, { ...about, filter: { slot: { $gte: 3 } } })).toBe(false);
  expect(isTargeted(key, { ...about, filter: { _id: 'a' } })).toBe(false);
  const write = { ...about, command: 'update', single: true } as const;
  expect(isTargeted(key, { ...write, filter: { slot: 3, _id: 'a' } })).toBe(true);
  expect(isTargeted(key, { ...write, filter: { slot: 3 } })).toBe(false);
  expect(isTargeted(key, { ...write, filter: { slot: 3, _id: { $in: ['a'] } } })).toBe(false);
  expect(isTargeted({ _id: 'hashed' }, { ...about, filter: { _id: { $in: [{ a: 1 }] } } })).toBe(true);
  expect(isTargeted({ _id: 'hashed' }, { ...about, filter: { _id: { $gte: { a: 1 } } } })).toBe(false);
  expect(isTargeted(key, { ...about, command: 'insert', filter: { _id: 'a' } })).toBe(false);
  expect(fieldsOf({ $and: [{ b: 1 }, { $or: [{ a: 1 }, { c: 1 }] }], d: 1 })).toEqual(['a', 'b', 'c', 'd']);
});
