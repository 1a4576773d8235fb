import { afterEach, beforeEach, expect, test } from 'vitest';
import { mail } from '../../tests/contract/mail.ts';
import { openSqlite, type SqliteStorage } from '../../tests/contract/sqlite-storage.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import type { SluiceEvent } from '../domain/event.ts';
import { createLog } from '../observability/log.ts';
import type { Events } from '../storage/ports/events.ts';
import { EventCursor } from './event-cursor.ts';
import { EventFeed } from './event-feed.ts';

let storage: SqliteStorage;
/** Ids that each reading of the store began after; the store fails as long as `failing` is not null. */
let reads: number[];
let failing: Error | null;
let feed: EventFeed;
const forever = new AbortController().signal;

beforeEach(async () => {
  storage = await openSqlite();
  reads = [];
  failing = null;
  const events: Events = {
    bounds: () => storage.events.bounds(),
    watch: (listener) => storage.events.watch(listener),
    list: async (filter, options) => {
      reads.push(options.after);
      if (failing !== null) throw failing;
      return await storage.events.list(filter, options);
    },
  };
  feed = new EventFeed({ events, log: createLog({ level: 'silent' }) });
});
afterEach(() => storage.close());

const commit = (count: number, ownerId = 'anna') =>
  Promise.all(Array.from({ length: count }, () => storage.messages.commit(mail({ facts: { ownerId } }))));

async function take(cursor: EventCursor, count: number): Promise<number[]> {
  const taken: SluiceEvent[] = [];
  while (taken.length < count) taken.push(...(await cursor.next(10_000, forever)));
  return taken.map(({ id }) => id);
}
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, n) => first + n);

test('reads the store once for all who follow', async () => {
  const cursors = Array.from({ length: 20 }, () => new EventCursor(feed, {}, 0));
  // The first look finds where to begin; what comes after it is read for all.
  await Promise.all(cursors.map((cursor) => cursor.next(0, forever)));
  await waitFor('the first look', () => reads.length > 20);
  reads.length = 0;
  await commit(30);
  const taken = await Promise.all(cursors.map((cursor) => take(cursor, 30)));
  for (const ids of taken) expect(ids).toEqual(upTo(30));
  expect(reads.length).toBeLessThan(20);
  for (const cursor of cursors) cursor.close();
  const before = reads.length;
  await commit(5);
  const late = new EventCursor(feed, {}, 30);
  expect(await take(late, 5)).toEqual(upTo(35, 31));
  late.close();
  expect(reads.length).toBeGreaterThan(before);
});

test('lets one who is far behind read the store, and catch up without gap or repeat', async () => {
  const close = new EventCursor(feed, {}, 0);
  const behind = new EventCursor(feed, { ownerId: 'anna' }, 0);
  await close.next(0, forever);
  for (let round = 0; round < 4; round += 1) {
    await commit(400);
    await commit(1, 'bert');
  }
  expect(await take(close, 1_604)).toEqual(upTo(1_604));
  const all = take(behind, 2_000);
  await commit(400);
  const ids = await all;
  expect(new Set(ids).size).toBe(2_000);
  expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  close.close();
  behind.close();
});

test('goes on after the store failed', async () => {
  const cursor = new EventCursor(feed, {}, 0);
  await cursor.next(0, forever);
  await waitFor('the first look', () => reads.length > 1);
  failing = new Error('the disk is gone');
  const before = reads.length;
  await commit(3);
  await waitFor('the failure', () => reads.length > before);
  failing = null;
  expect(await take(cursor, 3)).toEqual([1, 2, 3]);
  cursor.close();
});

test('a cursor ends its wait when told to', async () => {
  const cursor = new EventCursor(feed, {}, 0);
  const stop = new AbortController();
  const waiting = cursor.next(3_600_000, stop.signal);
  stop.abort();
  expect(await waiting).toEqual([]);
  expect(await cursor.next(3_600_000, stop.signal)).toEqual([]);
  cursor.close();
});
