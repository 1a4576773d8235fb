import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { NewCredential, NewUser } from '../../core/accounts/account-schemas.ts';
import { type Client, type PluginRow, startPluginRow } from '../../tests/support/plugin-row.ts';
import { type SingleProcess, startSingleProcess } from '../../tests/support/single-process.ts';
import { HeldReservations } from './held-reservations.ts';
import { plugin } from './index.ts';

let relay: SingleProcess;
let row: PluginRow | undefined;

beforeAll(async () => {
  relay = await startSingleProcess();
});
afterAll(() => relay.close());
afterEach(async () => {
  await row?.close();
  row = undefined;
});

const start = async (config: Record<string, unknown> = {}): Promise<PluginRow> => {
  relay.clock.set('2026-11-22T13:30:00Z');
  row = await startPluginRow([{ plugin, config }], relay.services);
  return row;
};

const as = async (
  from: PluginRow,
  credential: Omit<NewCredential, 'name'>,
  user: Partial<NewUser> = {},
): Promise<() => Client> => {
  const { credential: issued } = await relay.issue(credential, user);
  return () => {
    const client = from.client('192.0.2.1');
    client.session.identity = { ownerId: issued.ownerId, credentialId: issued.id, username: issued.username };
    return client;
  };
};

/** Offers so many recipients in one transaction; answers the refusals. */
const offer = async (client: Client, recipients: number): Promise<string[]> => {
  await client.mail('me@example.com');
  const refusals: string[] = [];
  for (let i = 0; i < recipients; i += 1) {
    const refusal = await client.rcpt(`r${i}@example.com`);
    if (refusal !== null) refusals.push(refusal);
  }
  return refusals;
};

/** What core does with an accepted message. */
const accept = async (client: Client): Promise<void> => {
  expect(await client.data()).toBeNull();
  const reservations = client.transaction?.reservations ?? [];
  expect(relay.counters.settle([...reservations])).toBe(true);
  reservations.length = 0;
  client.end('accepted', 250);
};

const release = (client: Client): void => {
  relay.counters.release(client.transaction?.reservations ?? []);
  client.end('reset');
};

it('counts recipients and says which quota is used up and when it starts anew', async () => {
  const client = (await as(await start(), { hourly_quota: 3 }))();
  expect(await offer(client, 4)).toEqual(['452 4.7.1 hourly quota of 3 used up; resets at 14:00 UTC']);
  expect(client.verdict).toBe('defer');
});

it('refuses for good where the credential wants it', async () => {
  const client = (await as(await start({ time_zone: 'Europe/Berlin' }), { daily_quota: 1, over_limit: 'reject' }))();
  expect(await offer(client, 2)).toEqual([
    '550 5.7.1 daily quota of 1 used up; resets at 2026-11-23 00:00 Europe/Berlin',
  ]);
});

it('gives back what is not sent, and keeps what is', async () => {
  const client = await as(await start(), { hourly_quota: 3 });
  const reset = client();
  await offer(reset, 3);
  release(reset);
  const accepted = client();
  expect(await offer(accepted, 3)).toEqual([]);
  await accept(accepted);
  expect(await offer(client(), 1)).toHaveLength(1);
});

it('refunds a message whose commit failed', async () => {
  const client = await as(await start(), { hourly_quota: 2 });
  const failed = client();
  await offer(failed, 2);
  const reservations = [...(failed.transaction?.reservations ?? [])];
  expect(relay.counters.settle(reservations)).toBe(true);
  expect(await offer(client(), 1)).toHaveLength(1);
  relay.counters.refund(reservations);
  failed.end('refused', 451);
  expect(await offer(client(), 3)).toHaveLength(1);
});

it('counts the whole account together, in the words of its user', async () => {
  const from = await start();
  const { credential: first } = await relay.issue({}, { hourly_quota: 2 });
  const { credential: second } = await relay.service.createCredential(first.ownerId, { name: 'second' });
  const [one, two] = [first, second].map((credential) => {
    const client = from.client('192.0.2.1');
    client.session.identity = { ownerId: credential.ownerId, credentialId: credential.id, username: 'x' };
    return client;
  });
  if (one === undefined || two === undefined) throw new Error('two clients');
  expect(await offer(one, 1)).toEqual([]);
  expect(await offer(two, 2)).toEqual(["452 4.7.1 account's hourly quota of 2 used up; resets at 14:00 UTC"]);
});

it('takes 0 as nothing and null as no limit', async () => {
  const from = await start();
  const nothing = (await as(from, { hourly_quota: 0 }))();
  expect(await offer(nothing, 1)).toEqual([
    '452 4.7.1 hourly quota is 0: nothing may be sent; ask your administrator to raise it',
  ]);
  const free = (await as(from, { hourly_quota: null, daily_quota: null }))();
  expect(await offer(free, 500)).toEqual([]);
  expect(free.transaction?.reservations).toEqual([]);
});

it('starts anew on the hour and at local midnight', async () => {
  const client = await as(await start({ time_zone: 'Europe/Berlin' }), { hourly_quota: 2, daily_quota: 3 });
  for (const [moment, taken] of [
    ['2026-11-22T21:59:59.999Z', 2],
    ['2026-11-22T22:00:00.000Z', 1],
    ['2026-11-22T22:59:59.999Z', 0],
    ['2026-11-22T23:00:00.000Z', 2],
  ] as const) {
    relay.clock.set(moment);
    const now = client();
    const refused = (await offer(now, 3)).length;
    expect([moment, 3 - refused]).toEqual([moment, taken]);
    await accept(now);
  }
});

it.each(['2026-03-29', '2026-10-25'])(
  'gives each local day its quota once around %s, when clocks change',
  async (date) => {
    const from = await start({ time_zone: 'Europe/Berlin' });
    const client = await as(from, { daily_quota: 1 });
    const perDay = new Map<string, number>();
    const berlin = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Berlin', dateStyle: 'short' });
    const noon = Date.parse(`${date}T12:00:00Z`);
    for (let at = noon - 48 * 3_600_000; at < noon + 48 * 3_600_000; at += 15 * 60_000) {
      relay.clock.set(at);
      const now = client();
      if ((await offer(now, 1)).length > 0) continue;
      const day = berlin.format(at);
      perDay.set(day, (perDay.get(day) ?? 0) + 1);
      await accept(now);
    }
    expect(perDay.size).toBe(5);
    expect([...perDay.values()]).toEqual([1, 1, 1, 1, 1]);
  },
);

it('never overshoots with eight clients at once', async () => {
  const client = await as(await start(), { hourly_quota: 100 });
  let accepted = 0;
  await Promise.all(
    Array.from({ length: 8 }, async (_, n) => {
      for (let i = 0; i < 10; i += 1) {
        const mine = client();
        const refused = await offer(mine, 3);
        if ((i + n) % 4 === 0) release(mine);
        else {
          accepted += 3 - refused.length;
          await accept(mine);
        }
      }
    }),
  );
  expect(accepted).toBe(100);
});

it('holds a slow transaction beyond the lease, as long as it is renewed', async () => {
  const client = (await as(await start(), { hourly_quota: 1 }))();
  const held = new HeldReservations(relay.counters, relay.log);
  await offer(client, 1);
  const { transaction } = client;
  if (transaction === null) throw new Error('no transaction');
  const [reservation] = transaction.reservations.splice(0);
  if (reservation === undefined) throw new Error('nothing held');
  held.keep(transaction, reservation);
  for (let i = 0; i < 20; i += 1) {
    relay.clock.advance(20_000);
    await held.renew();
  }
  const [window] = reservation.windows;
  expect(window && relay.counters.used(window)).toBe(1);
  held.end(transaction);
  relay.clock.advance(61_000);
  await held.renew();
  expect(window && relay.counters.used(window)).toBe(0);
  held.close();
});

it('gives back what arrives for a transaction that is over', async () => {
  const client = (await as(await start(), { hourly_quota: 1 }))();
  await offer(client, 0);
  const { transaction } = client;
  if (transaction === null) throw new Error('no transaction');
  const held = new HeldReservations(relay.counters, relay.log);
  held.end(transaction);
  const window = {
    account: 'late',
    owner: 'credential:late',
    window: 'hour',
    limit: 1,
    startsAt: Date.parse('2026-11-22T13:00:00Z'),
    endsAt: Date.parse('2026-11-22T14:00:00Z'),
  };
  const reserved = relay.counters.reserve([window], 1);
  if (!reserved.ok) throw new Error('full');
  await held.keep(transaction, reserved.reservation);
  expect(transaction.reservations).toEqual([]);
  expect(relay.counters.used(window)).toBe(0);
  held.close();
});

it('does not count a recipient that was refused after all', async () => {
  const client = (await as(await start(), { hourly_quota: 5 }))();
  await offer(client, 3);
  const recipients = client.transaction?.recipients as unknown[];
  recipients.pop();
  await client.data();
  expect(client.transaction?.reservations).toHaveLength(2);
  const window = client.transaction?.reservations[0]?.windows[0];
  expect(window && relay.counters.used(window)).toBe(2);
});

it('limits a trusted network by the configuration, and leaves others free', async () => {
  const from = await start({ networks: [{ name: 'office', hourly_quota: 1, over_limit: 'reject' }] });
  expect(await offer(from.client('192.0.2.1', 'office'), 2)).toEqual([
    "550 5.7.1 network's hourly quota of 1 used up; resets at 14:00 UTC",
  ]);
  expect(await offer(from.client('192.0.2.1', 'lab'), 5)).toEqual([]);
});

it('takes a changed quota at once', async () => {
  const from = await start();
  const { credential } = await relay.issue({ hourly_quota: 1 });
  const client = from.client('192.0.2.1');
  client.session.identity = { ownerId: credential.ownerId, credentialId: credential.id, username: 'x' };
  expect(await offer(client, 2)).toHaveLength(1);
  await relay.service.changeCredential(credential.id, { hourly_quota: 3 });
  expect(await offer(client, 3)).toHaveLength(1);
});

it('takes no mail of a login that the directory does not know', async () => {
  const client = (await start()).client('192.0.2.1');
  client.session.identity = { ownerId: 'nobody', credentialId: 'nothing', username: 'x' };
  expect(await offer(client, 1)).toEqual(['451 4.7.1 your login is no longer known; log in again']);
});

it.each([[{ time_zone: 'Mars/Olympus' }], [{ networks: [{ name: 'x', daily_quota: -1 }] }], [{ colour: 'red' }]])(
  'refuses the configuration %o',
  async (config) => {
    await expect(startPluginRow([{ plugin, config }], relay.services)).rejects.toMatchObject({
      code: 'PLUGIN_CONFIG_INVALID',
    });
  },
);
