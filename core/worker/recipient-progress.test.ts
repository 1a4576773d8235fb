import { expect, test } from 'vitest';
import type { RecipientOutcome } from '../domain/delivery.ts';
import type { RecipientRecord } from '../domain/message.ts';
import { reply } from '../domain/reply.ts';
import { progress } from './recipient-progress.ts';

const minute = 60_000;
const day = 86_400_000;
const rules = {
  retry: { first: minute, factor: 2, most: 240 * minute, jitter: 0.2 },
  max_age: 5 * day,
  ambiguous_delay: 10 * minute,
};
const accepted = 1_000_000_000_000;
const fresh: RecipientRecord = {
  address: 'r@example.com',
  domain: 'example.com',
  state: 'queued',
  attempts: 0,
  nextAt: accepted,
  upstream: null,
  lastReply: null,
  finalAt: null,
};
const later: RecipientOutcome = { do: 'deferred', reply: reply(450, '4.2.0', 'later') };

const after = (before: RecipientRecord, outcome: RecipientOutcome, now: number) =>
  progress(before, outcome, { acceptedAt: accepted, now, upstream: 'default' }, rules, () => 0);

test.each(['delivered', 'relayed', 'captured', 'discarded', 'bounced'] as const)('%s is final', (state) => {
  const done = after(fresh, { do: state, reply: reply(state === 'bounced' ? 550 : 250, null, 'so') }, accepted + 5);
  expect(done).toMatchObject({ state, attempts: 1, nextAt: null, finalAt: accepted + 5, upstream: 'default' });
});

test('a deferred recipient waits longer each time, and is tried last when its age is over', () => {
  let recipient = fresh;
  let now = accepted;
  const delays: number[] = [];
  for (let tries = 0; tries < 1_000 && recipient.state !== 'expired'; tries++) {
    recipient = after(recipient, later, now);
    if (recipient.nextAt !== null) {
      delays.push(recipient.nextAt - now);
      now = recipient.nextAt;
    }
  }
  expect(delays.slice(0, 4)).toEqual([minute, 2 * minute, 4 * minute, 8 * minute]);
  expect(Math.max(...delays)).toBe(240 * minute);
  expect(recipient.state).toBe('expired');
  expect(recipient.finalAt).toBe(accepted + rules.max_age);
});

test('a clock that jumps forward expires nothing at the first try after the jump', () => {
  const waiting = after(fresh, later, accepted);
  const jumped = accepted + 10 * day;
  const tried = after(waiting, later, jumped);
  expect(tried).toMatchObject({ state: 'deferred', attempts: 2, nextAt: jumped + 2 * minute });
  expect(after(tried, later, jumped + 2 * minute).state).toBe('expired');
  expect(after(tried, { do: 'delivered', reply: reply(250, null, 'ok') }, jumped).state).toBe('delivered');
});

test('an outcome that could not be known is tried again after a longer wait and stays marked', () => {
  const unknown = after(fresh, { ...later, ambiguous: true }, accepted);
  expect(unknown).toMatchObject({ state: 'deferred', ambiguous: true, nextAt: accepted + 10 * minute });
  expect(after(unknown, { do: 'delivered', reply: reply(250, null, 'ok') }, accepted).ambiguous).toBe(true);
});

test('being held back costs no attempt; mail past its age waits once more, then expires', () => {
  const postponed = (now: number): RecipientOutcome => ({
    do: 'postponed',
    reply: reply(451, '4.4.1', 'cannot be reached'),
    until: now + minute,
  });
  const held = after(fresh, postponed(accepted), accepted);
  expect(held).toMatchObject({ state: 'deferred', attempts: 0, postponed: true, nextAt: accepted + minute });
  expect(after(held, { do: 'delivered', reply: reply(250, null, 'ok') }, accepted)).not.toHaveProperty('postponed');
  const old = accepted + 6 * day;
  const once = after(held, postponed(old), old);
  expect(once).toMatchObject({ state: 'deferred', nextAt: old + 240 * minute });
  expect(after(once, postponed(old + 240 * minute), old + 240 * minute).state).toBe('expired');
});

test('held mail waits for an operator', () => {
  const held = after(fresh, { do: 'held', reply: reply(451, '4.6.0', 'a bare LF') }, accepted);
  expect(held).toMatchObject({ state: 'held', nextAt: null, finalAt: null, lastReply: '451 4.6.0 a bare LF' });
});

test('a plugin may wish for another delay, within the age of the mail', () => {
  const now = accepted + minute;
  expect(after(fresh, { ...later, delay: 30_000 }, now)).toMatchObject({ attempts: 1, nextAt: now + 30_000 });
  expect(after(fresh, { ...later, delay: 10 * day }, now)).toMatchObject({ nextAt: accepted + rules.max_age });
});

test('put off until a moment of its own, no attempt is counted and no recovered upstream wakes it', () => {
  const until = accepted + 30_000;
  const outcome = { do: 'postponed', reply: reply(450, '4.7.0', 'not now'), until } as const;
  expect(after(fresh, { ...outcome, firm: true }, accepted)).toMatchObject({
    state: 'deferred',
    attempts: 0,
    nextAt: until,
  });
  expect(after(fresh, { ...outcome, firm: true }, accepted).postponed).toBeUndefined();
  expect(after(fresh, outcome, accepted).postponed).toBe(true);
});
