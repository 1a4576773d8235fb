import { expect, it } from 'vitest';
import { PendingWakeUps } from './pending-wake-ups.ts';

const wakeUp = (id: string) => ({ id, attempt: 0 });
const never = new AbortController().signal;

it('hands what is offered to the claim that waits', async () => {
  const pending = new PendingWakeUps();
  const next = pending.next(10, never);
  const offer = pending.offer(wakeUp('a'), 60_000);
  expect(await next).toEqual([wakeUp('a')]);
  expect(await offer).toBe(true);
});

it('keeps what is offered until a claim comes, in order and no more than it takes', async () => {
  const pending = new PendingWakeUps();
  const offers = ['a', 'b', 'c'].map((id) => pending.offer(wakeUp(id), 60_000));
  expect(await pending.next(2, never)).toEqual([wakeUp('a'), wakeUp('b')]);
  expect(await pending.next(2, never)).toEqual([wakeUp('c')]);
  expect(await Promise.all(offers)).toEqual([true, true, true]);
});

it('takes back what nobody took in time', async () => {
  const pending = new PendingWakeUps({ pollMilliseconds: 1 });
  expect(await pending.offer(wakeUp('a'), 1)).toBe(false);
  expect(await pending.next(10, never)).toEqual([]);
});

it('gives one offer to one of two claims that wait', async () => {
  const pending = new PendingWakeUps();
  const stop = new AbortController();
  const both = [pending.next(10, stop.signal), pending.next(10, stop.signal)];
  expect(await pending.offer(wakeUp('a'), 60_000)).toBe(true);
  stop.abort();
  expect((await Promise.all(both)).flat()).toEqual([wakeUp('a')]);
});

it('refuses all that is open when it ends', async () => {
  const pending = new PendingWakeUps();
  const offers = ['a', 'b'].map((id) => pending.offer(wakeUp(id), 60_000));
  pending.refuseAll();
  expect(await Promise.all(offers)).toEqual([false, false]);
});
