import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Identity } from '../../core/domain/identity.ts';
import { services } from '../../core/pipeline/services.ts';
import { MemoryRateLimits } from '../../core/storage/memory/rate-limits.ts';
import type { RateLimits } from '../../core/storage/ports/rate-limits.ts';
import { ManualClock } from '../../tests/support/manual-clock.ts';
import { type Client, type PluginRow, startPluginRow } from '../../tests/support/plugin-row.ts';
import { plugin } from './index.ts';

let clock: ManualClock;
let row: PluginRow | undefined;

beforeEach(() => {
  clock = new ManualClock('2026-11-22T14:00:00Z');
});
afterEach(async () => {
  await row?.close();
  row = undefined;
});

const start = async (config: Record<string, unknown>, limits?: RateLimits): Promise<PluginRow> => {
  const rateLimits = limits ?? new MemoryRateLimits({ clock });
  row = await startPluginRow([{ plugin, config }], new Map([[services.rateLimits, rateLimits]]));
  return row;
};

const twice = { limit: 2, window: '1m' };
const identity = (ownerId: string, credentialId: string): Identity => ({ ownerId, credentialId, username: 'x' });

const loggedIn = (from: PluginRow, who: Identity, address = '192.0.2.1'): Client => {
  const client = from.client(address);
  client.session.identity = who;
  return client;
};

it('limits connections of an address and says when to come again', async () => {
  const from = await start({ address: { connections: twice } });
  expect(await from.client('192.0.2.1').connect()).toBeNull();
  clock.advance(20_000);
  expect(await from.client('192.0.2.1').connect()).toBeNull();
  const third = from.client('192.0.2.1');
  expect(await third.connect()).toBe(
    '421 4.7.1 too many connections from your address (limit 2 in 1 min); try again after 14:01:00 UTC',
  );
  expect(third.verdict).toBe('disconnect');
  expect(await from.client('192.0.2.2').connect()).toBeNull();
  clock.advance(40_000);
  expect(await from.client('192.0.2.1').connect()).toBeNull();
});

it('counts IPv6 clients by their /64, and not those that are exempt', async () => {
  const from = await start({
    address: { connections: { limit: 1, window: '1h' } },
    exempt: ['198.51.100.0/24', '2001:db8:1::/48'],
  });
  expect(await from.client('2001:db8::1').connect()).toBeNull();
  expect(await from.client('2001:db8::2').connect()).toMatch(/^421 4\.7\.1 .*limit 1 in 1 h/);
  for (let i = 0; i < 5; i += 1) {
    expect(await from.client('198.51.100.9').connect()).toBeNull();
    expect(await from.client('2001:db8:1::9').connect()).toBeNull();
  }
});

describe('messages and recipients', () => {
  it('are put off by 450 once a credential has had its share', async () => {
    const from = await start({ credential: { messages: twice } });
    const client = loggedIn(from, identity('u', 'c1'));
    expect([await client.mail('a@example.com'), await client.mail('a@example.com')]).toEqual([null, null]);
    expect(await client.mail('a@example.com')).toBe(
      '450 4.7.1 too many messages from this credential (limit 2 in 1 min); try again after 14:01:00 UTC',
    );
    expect(client.verdict).toBe('defer');
    expect(await loggedIn(from, identity('u', 'c2')).mail('a@example.com')).toBeNull();
  });

  it('are counted for all credentials of a user together', async () => {
    const from = await start({ user: { recipients: { limit: 3, window: '90s' } } });
    const one = loggedIn(from, identity('u', 'c1'));
    const two = loggedIn(from, identity('u', 'c2'));
    await one.mail('a@example.com');
    await two.mail('a@example.com');
    expect([await one.rcpt('1@example.com'), await two.rcpt('2@example.com'), await one.rcpt('3@example.com')]).toEqual(
      [null, null, null],
    );
    expect(await two.rcpt('4@example.com')).toMatch(
      /^450 4\.7\.1 too many recipients from this account \(limit 3 in 90 s\)/,
    );
  });

  it('are counted for each address, whoever logs in from there', async () => {
    const from = await start({ address: { messages: twice, recipients: twice } });
    await loggedIn(from, identity('u1', 'c1')).mail('a@example.com');
    await loggedIn(from, identity('u2', 'c2')).mail('a@example.com');
    expect(await loggedIn(from, identity('u3', 'c3')).mail('a@example.com')).toMatch(/^450 4\.7\.1 .* your address/);
    expect(await loggedIn(from, identity('u3', 'c3'), '192.0.2.2').mail('a@example.com')).toBeNull();
  });

  it('of a trusted network are counted together', async () => {
    const from = await start({ user: { messages: { limit: 1, window: '1m' } } });
    expect(await from.client('192.0.2.1', 'office').mail('a@example.com')).toBeNull();
    expect(await from.client('192.0.2.2', 'office').mail('a@example.com')).toMatch(/^450 4\.7\.1 .* this account/);
  });

  it('are all refused where the limit is 0', async () => {
    const from = await start({ address: { messages: { limit: 0, window: '1m' } } });
    expect(await from.client('192.0.2.1').mail('a@example.com')).toMatch(/^450 4\.7\.1 .*limit 0 in 1 min/);
  });
});

it('counts every command and ends the connection of who sends too many', async () => {
  const from = await start({ address: { commands: { limit: 5, window: '1m' } } });
  const client = from.client('192.0.2.1');
  expect(await client.hello()).toBeNull();
  expect(await client.login('x', 'y')).toBe('nobody answered');
  expect(await client.mail('a@example.com')).toBeNull();
  expect(await client.rcpt('b@example.com')).toBeNull();
  expect(await client.data()).toBeNull();
  expect(await client.command('NOOP')).toMatch(/^421 4\.7\.1 too many commands from your address \(limit 5 in 1 min\)/);
  expect(client.verdict).toBe('disconnect');
});

it('takes nothing from anybody where nothing is limited', async () => {
  const limits = new MemoryRateLimits({ clock });
  const from = await start({ address: { connections: null } }, limits);
  const client = loggedIn(from, identity('u', 'c'));
  await client.connect();
  await client.mail('a@example.com');
  await client.rcpt('b@example.com');
  expect(limits.size).toBe(0);
});

it('waits for limits that are kept elsewhere, and refuses for now when they cannot be reached', async () => {
  const near = new MemoryRateLimits({ clock });
  const far: RateLimits = {
    consume: async (...given) => near.consume(...given),
    peek: async (...given) => near.peek(...given),
    reset: async (key) => near.reset(key),
  };
  const from = await start({ credential: { messages: twice }, user: { messages: { limit: 3, window: '1m' } } }, far);
  const answers: (string | null)[] = [];
  for (const credential of ['c1', 'c1', 'c1', 'c2', 'c2']) {
    answers.push(await loggedIn(from, identity('u', credential)).mail('a@example.com'));
  }
  expect(answers).toEqual([
    null,
    null,
    expect.stringMatching(/this credential/),
    null,
    expect.stringMatching(/account/),
  ]);
  await row?.close();
  const gone = { consume: () => Promise.reject(new Error('gone')), peek: near.peek, reset: near.reset };
  const broken = await start({ credential: { messages: twice } }, gone);
  expect(await loggedIn(broken, identity('u', 'c1')).mail('a@example.com')).toMatch(/^451 4\.3\.0 /);
});
