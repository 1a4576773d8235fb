import { expect, test } from 'vitest';
import { waitFor } from '../../tests/support/wait-for.ts';
import { type SlotRules, type Turn, UpstreamSlots } from './upstream-slots.ts';

/** Patience that no test waits for, unless it is about it. */
const slotsOf = (change: Partial<SlotRules> = {}) =>
  new UpstreamSlots({ concurrency: 4, ahead: 8, patience: 60_000, ...change });

/** What was answered so far; null: waits. */
function enter(slots: UpstreamSlots, upstream: string): { turn: Turn | null } {
  const entered: { turn: Turn | null } = { turn: null };
  const answer = slots.enter(upstream);
  if (answer instanceof Promise)
    void answer.then((turn) => {
      entered.turn = turn;
    });
  else entered.turn = answer;
  return entered;
}
const many = (slots: UpstreamSlots, upstream: string, count: number) =>
  Array.from({ length: count }, () => enter(slots, upstream));
const answered = (entered: readonly { turn: Turn | null }[], turn: Turn) =>
  entered.filter((one) => one.turn === turn).length;

test('while nobody else wants a place an upstream has all of them, and the next goes when one leaves', async () => {
  const slots = slotsOf();
  const jobs = many(slots, 'a', 6);
  expect([answered(jobs, 'go'), slots.sending, slots.waiting]).toEqual([4, 4, 2]);
  slots.leave('a');
  await waitFor('the fifth', () => jobs[4]?.turn === 'go');
  expect([jobs[5]?.turn, slots.sending, slots.waiting]).toEqual([null, 4, 1]);
  slots.stop();
});

test('each upstream may begin a quarter of the places, whatever the others hold', async () => {
  const slots = slotsOf({ concurrency: 8 });
  many(slots, 'a', 10);
  const others = many(slots, 'b', 3);
  expect([answered(others, 'go'), slots.sending]).toEqual([2, 10]);
  slots.leave('b');
  await waitFor('the third', () => others[2]?.turn === 'go');
  slots.stop();
});

test('a place that falls free goes to the upstream with the fewest under way', async () => {
  const slots = slotsOf();
  const first = many(slots, 'a', 5);
  const second = many(slots, 'b', 3);
  expect(answered(second, 'go')).toBe(1);
  slots.leave('a');
  slots.leave('a');
  await waitFor('the second of b', () => second[1]?.turn === 'go');
  expect(first[4]?.turn).toBeNull();
  slots.stop();
});

test('of what waits for an upstream that does not move all but a few are sent back, until one of its jobs ends', async () => {
  const slots = slotsOf({ patience: 20 });
  const jobs = many(slots, 'a', 10);
  await waitFor('the newest to be sent back', () => answered(jobs, 'later') === 4);
  expect(jobs.map(({ turn }) => turn).slice(0, 6)).toEqual(['go', 'go', 'go', 'go', null, null]);
  expect(enter(slots, 'a').turn).toBe('later');
  expect(enter(slots, 'b').turn).toBe('go');
  slots.leave('a');
  slots.leave('a');
  await waitFor('the oldest to go', () => answered(jobs, 'go') === 5);
  expect(enter(slots, 'a').turn).toBeNull();
  slots.stop();
});

test('nothing begins after the stop, and nobody waits', async () => {
  const slots = slotsOf();
  const jobs = many(slots, 'a', 6);
  slots.stop();
  await waitFor('all answers', () => answered(jobs, 'stop') === 2);
  expect(enter(slots, 'b').turn).toBe('stop');
  for (let n = 0; n < 4; n++) slots.leave('a');
  expect([slots.sending, slots.waiting]).toEqual([0, 0]);
});

test('idle upstreams are forgotten beyond a bound', () => {
  const slots = slotsOf();
  for (let n = 0; n < 1_000; n++) {
    expect(enter(slots, `domain-${n}`).turn).toBe('go');
    slots.leave(`domain-${n}`);
  }
  expect([slots.sending, slots.waiting]).toEqual([0, 0]);
});
