import { pino } from 'pino';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeWith } from '../../../../tests/support/describe-with.ts';
import { type TestDatabase, testDatabase } from '../../../../tests/support/mongodb-database.ts';
import { waitFor } from '../../../../tests/support/wait-for.ts';
import type { Events } from '../../ports/events.ts';
import { connectMongodb, type MongodbDatabase } from '../client.ts';
import { migrate } from '../migrate.ts';
import { type PendingEvent, pendingEvent } from './event-documents.ts';
import { EventPublisher } from './event-publisher.ts';
import { MongodbEvents } from './events.ts';

const log = pino({ level: 'silent' });
const { signal } = new AbortController();
const clock = { now: () => Date.now() };

const event = (version: number, key = uuidv7()): PendingEvent =>
  pendingEvent(key, { type: 'configuration_changed', at: 1_000, version, cause: 'change' });

describeWith(['mongodb'], 'publishing events on MongoDB', () => {
  let test: TestDatabase;
  let database: MongodbDatabase;
  let events: Events;
  beforeEach(async () => {
    test = await testDatabase();
    database = await connectMongodb({ uri: test.uri, log, signal });
    await migrate(database, { log, clock, signal });
    events = new MongodbEvents(database, log);
  });
  afterEach(async () => {
    await database.close();
    await test.drop();
  });

  const publisher = () => new EventPublisher(database, { log, published: () => undefined });
  const carrier = async (id: number, carried: readonly PendingEvent[]) => {
    const version = { state: 'current', reason: null, version: '{}' } as const;
    await database.collection('settings').insertOne({ _id: id, ...version, events: carried });
    return { collection: 'settings' as const, id, events: carried };
  };
  const versions = async (): Promise<(readonly [id: number, version: number])[]> =>
    (await events.list({}, { after: 0, limit: 1_000 })).events.map((one) => [
      one.id,
      'version' in one ? one.version : -1,
    ]);

  it('numbers them without gap or repeat, whoever publishes, and keeps the order of each', async () => {
    const publishers = [publisher(), publisher(), publisher()];
    for (let n = 0; n < 30; n += 1) {
      for (const [p, one] of publishers.entries()) {
        one.publish(await carrier(n * 10 + p + 1, [event(p * 1_000 + n * 2), event(p * 1_000 + n * 2 + 1)]));
      }
    }
    await Promise.all(publishers.map((one) => one.drained()));
    const found = await versions();
    expect(found.map(([id]) => id)).toEqual(Array.from({ length: 180 }, (_, n) => n + 1));
    for (const p of publishers.keys()) {
      const own = found.map(([, version]) => version).filter((version) => Math.floor(version / 1_000) === p);
      expect(own).toEqual(Array.from({ length: 60 }, (_, n) => p * 1_000 + n));
    }
    const left = await database.collection('settings').countDocuments({ 'events.0': { $exists: true } });
    expect(left).toBe(0);
  });

  it('publishes the same event once, however many do, and what comes after it', async () => {
    const same = await carrier(1, [event(1, 'a'), event(2, 'b')]);
    const more = await carrier(2, [event(1, 'a'), event(2, 'b'), event(3, 'c')]);
    const publishers = [publisher(), publisher()];
    for (const one of publishers) {
      one.publish(same);
      one.publish(more);
    }
    await Promise.all(publishers.map((one) => one.drained()));
    expect(await versions()).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
  });

  it('finds what a process left behind that was killed before or amidst publishing', async () => {
    await carrier(1, [event(1, 'a'), event(2, 'b')]);
    await database.collection('events').insertOne({ _id: 1, ...event(1, 'a') });
    await publisher().sweep(100, Date.now());
    expect(await versions()).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(await publisher().sweep(100, Date.now())).toBe(0);
  });

  it('counts on when all but the newest were deleted for their age', async () => {
    publisher().publish(await carrier(1, [event(1), event(2), event(3)]));
    await waitFor('three events', async () => (await events.bounds()).newest === 3);
    const reader = new MongodbEvents(database, log);
    expect(await reader.sweep(100, Date.now())).toBe(2);
    expect(await events.bounds()).toEqual({ oldest: 3, newest: 3 });
    const later = publisher();
    later.publish(await carrier(2, [event(4)]));
    await later.drained();
    expect(await versions()).toEqual([
      [3, 3],
      [4, 4],
    ]);
  });

  it('tells those who watch of what another process published', async () => {
    let told = 0;
    const end = events.watch(() => {
      told += 1;
    });
    publisher().publish(await carrier(1, [event(1)]));
    await waitFor('the call', () => told > 0);
    end();
  });
});
