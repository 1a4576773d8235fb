import { afterEach, expect, it } from 'vitest';
import { ManualClock } from '../../tests/support/manual-clock.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import { createLog } from '../observability/log.ts';
import type { WakeUp } from '../storage/ports/wake-ups.ts';
import { Dispatcher } from './dispatcher.ts';
import { DueMail } from './testing/due-mail.ts';
import type { WakeUpQueue } from './wake-up-queue.ts';

const log = createLog({ level: 'silent' });
const stopping: Dispatcher[] = [];
afterEach(async () => {
  await Promise.all(stopping.splice(0).map((dispatcher) => dispatcher.stop()));
});

/** A queue with so much room, in which nothing is ever followed. */
const queueOf = (places: number): WakeUpQueue & { sent: WakeUp[]; places: number; away: boolean } => ({
  sent: [],
  places,
  away: false,
  send(wakeUps) {
    this.sent.push(...wakeUps);
  },
  async room() {
    if (this.away) throw new Error('the queue is away');
    return Math.max(0, this.places - this.sent.length);
  },
});

const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${i}`);

it('sends everything that is due, once, in batches', async () => {
  const [store, queue, clock] = [new DueMail(), queueOf(10_000), new ManualClock(Date.now())];
  store.add(ids(1_200), null);
  const dispatcher = new Dispatcher({ store, queue, clock, log });
  expect(await dispatcher.round()).toBe(1_200);
  expect(new Set(queue.sent.map(({ id }) => id)).size).toBe(1_200);
  expect(await dispatcher.round()).toBe(0);
});

it('sends again what nobody followed for long', async () => {
  const [store, queue, clock] = [new DueMail(), queueOf(100), new ManualClock(Date.now())];
  store.add(ids(2), null);
  const dispatcher = new Dispatcher({ store, queue, clock, log, lostMilliseconds: 30_000 });
  await dispatcher.round();
  store.claim('m0');
  clock.advance(60_000);
  await dispatcher.round();
  expect(queue.sent.map(({ id }) => id)).toEqual(['m0', 'm1', 'm1']);
});

it('stamps no more than the queue has room for', async () => {
  const [store, queue, clock] = [new DueMail(), queueOf(7), new ManualClock(Date.now())];
  store.add(ids(20), null);
  const dispatcher = new Dispatcher({ store, queue, clock, log });
  expect(await dispatcher.round()).toBe(7);
  queue.places = 12;
  expect(await dispatcher.round()).toBe(5);
});

it('goes on by itself after an outage, without having stamped anything meanwhile', async () => {
  const [store, queue, clock] = [new DueMail(), queueOf(100), new ManualClock(Date.now())];
  queue.away = true;
  store.add(ids(3), null);
  const dispatcher = new Dispatcher({ store, queue, clock, log, everyMilliseconds: 5 });
  stopping.push(dispatcher);
  await expect(dispatcher.round()).rejects.toThrow('the queue is away');
  dispatcher.start();
  queue.away = false;
  await waitFor('all to be sent', () => queue.sent.length === 3);
});
