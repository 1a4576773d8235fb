import { uuidv7 } from 'uuidv7';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { services } from '../../core/pipeline/services.ts';
import { MemoryRateLimits } from '../../core/storage/memory/rate-limits.ts';
import type { BlacklistEntry } from '../../core/storage/ports/blacklist.ts';
import { type Client, type PluginRow, startPluginRow } from '../../tests/support/plugin-row.ts';
import { type SingleProcess, startSingleProcess } from '../../tests/support/single-process.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import { plugin } from './index.ts';

let relay: SingleProcess;
let row: PluginRow | undefined;

const entries = async () => (await relay.blacklist.list({}, { limit: 100 })).items;

beforeAll(async () => {
  relay = await startSingleProcess();
});
afterAll(() => relay.close());
beforeEach(() => relay.clock.set('2026-11-22T14:00:00Z'));
afterEach(async () => {
  await row?.close();
  row = undefined;
  for (const { id } of await entries()) await relay.blacklist.remove(id);
  relay.bus.publish({ kind: 'blacklist', id: 'all' });
  await relay.blacklistIndex.current();
});

const start = async (config: Record<string, unknown> = {}): Promise<PluginRow> => {
  const rateLimits = new MemoryRateLimits({ clock: relay.clock });
  row = await startPluginRow([{ plugin, config }], new Map([...relay.services, [services.rateLimits, rateLimits]]));
  return row;
};

/** Adds an entry as the API does. */
const list = async (network: string, fields: Partial<BlacklistEntry> = {}): Promise<BlacklistEntry> => {
  const entry: BlacklistEntry = {
    id: uuidv7(),
    network,
    reason: 'sends spam',
    source: 'manual',
    createdAt: relay.clock.now(),
    updatedAt: relay.clock.now(),
    expiresAt: null,
    ...fields,
  };
  await relay.blacklist.put(entry);
  relay.bus.publish({ kind: 'blacklist', id: entry.id });
  await relay.blacklistIndex.current();
  return entry;
};

const banned = async (): Promise<string[]> => (await entries()).map(({ network }) => network);

/** A client that fails to log in so many times, then leaves. */
const failLogins = (client: Client, failures: number): void => {
  client.session.notes.auth = { failures, salt: null };
  client.disconnect();
};

const refused = (client: Client, code = 550): void => {
  client.end('refused', code);
};

describe('a listed client', () => {
  it('is refused at connect with the reason, the end, and what to do', async () => {
    await list('192.0.2.0/24', { expiresAt: Date.parse('2026-11-23T08:00:00Z') });
    const client = (await start()).client('192.0.2.66');
    expect(await client.connect()).toBe(
      '554 5.7.1 192.0.2.66 is blocked until 2026-11-23 08:00 UTC: sends spam; if that is a mistake, ask the operator of this server to remove the entry',
    );
    expect(client.verdict).toBe('disconnect');
    expect(await client.login('someone', 'secret')).toMatch(/^554 5\.7\.1 /);
  });

  it.each([
    ['2001:db8::/32', '2001:db8:1::1'],
    ['192.0.2.7/32', '::ffff:192.0.2.7'],
    ['192.0.2.7/32', '::ffff:c000:0207'],
    ['::ffff:192.0.2.0/120', '192.0.2.7'],
  ])('is found by %s in the form %s', async (network, address) => {
    await list(network);
    expect(await (await start()).client(address).connect()).toMatch(/^554 5\.7\.1 .* is blocked: sends spam/);
  });

  it('is refused in an open session, too', async () => {
    const client = (await start()).client('192.0.2.66');
    expect(await client.connect()).toBeNull();
    await list('192.0.2.66/32');
    expect(await client.mail('me@example.com')).toMatch(/^554 5\.7\.1 192\.0\.2\.66 is blocked/);
  });

  it('is let in again when the entry ends or is removed', async () => {
    const from = await start();
    await list('192.0.2.1/32', { expiresAt: relay.clock.now() + 60_000 });
    const { id } = await list('192.0.2.2/32');
    expect(await from.client('192.0.2.1').connect()).toMatch(/^554/);
    relay.clock.advance(60_000);
    expect(await from.client('192.0.2.1').connect()).toBeNull();
    expect(await from.client('192.0.2.2').connect()).toMatch(/^554/);
    await relay.blacklist.remove(id);
    relay.bus.publish({ kind: 'blacklist', id });
    await relay.blacklistIndex.current();
    expect(await from.client('192.0.2.2').connect()).toBeNull();
  });

  it('does not find line breaks or foreign letters of a reason in the reply', async () => {
    await list('192.0.2.1/32', { reason: 'spam\r\n250 OK\u202e垃圾' });
    expect(await (await start()).client('192.0.2.1').connect()).toMatch(/^554 5\.7\.1 [\x20-\x7e]*: spam 250 OK; if /);
  });
});

it('takes entries of its configuration, which end as well', async () => {
  const from = await start({
    entries: [
      { name: 'bad-net', network: '198.51.100.0/24', reason: 'bad neighbourhood' },
      { name: 'for-a-while', network: '2001:db8:bad::/48', expires: '2026-11-22T15:00:00+00:00' },
    ],
  });
  expect(await from.client('198.51.100.1').connect()).toMatch(/ is blocked: bad neighbourhood;/);
  expect(await from.client('2001:db8:bad::1').connect()).toMatch(/ is blocked until 2026-11-22 15:00 UTC: listed by/);
  relay.clock.advance(3_600_000);
  expect(await from.client('2001:db8:bad::1').connect()).toBeNull();
});

it.each([
  [{ entries: [{ name: 'x', network: '192.0.2.0/33' }] }],
  [{ entries: [{ name: 'x', network: '192.0.2.1', expires: 'tomorrow' }] }],
  [{ protected: ['home'] }],
])('refuses the configuration %o', async (config) => {
  await expect(start(config)).rejects.toMatchObject({ code: 'PLUGIN_CONFIG_INVALID' });
});

describe('an offender', () => {
  const config = { auto_ban: { failed_logins: 5, refusals: 3, window: '10m', duration: '1h' } };

  it('is banned for a while after too many failed logins, over several sessions', async () => {
    const from = await start(config);
    failLogins(from.client('192.0.2.66'), 3);
    failLogins(from.client('192.0.2.66'), 1);
    expect(await from.client('192.0.2.66').connect()).toBeNull();
    failLogins(from.client('192.0.2.66'), 3);
    await waitFor('the ban', async () => (await from.client('192.0.2.66').connect()) !== null);
    expect(await entries()).toMatchObject([
      {
        network: '192.0.2.66/32',
        source: 'auto-ban',
        reason: '5 failed logins within 10 minutes',
        expiresAt: relay.clock.now() + 3_600_000,
      },
    ]);
    expect(await from.client('192.0.2.67').connect()).toBeNull();
    relay.clock.advance(3_600_000);
    expect(await from.client('192.0.2.66').connect()).toBeNull();
  });

  it('is banned after too many refused transactions without a login', async () => {
    const from = await start(config);
    const client = from.client('192.0.2.66');
    for (let i = 0; i < 3; i += 1) {
      await client.mail('me@example.com');
      refused(client);
    }
    await waitFor('the ban', async () => (await from.client('192.0.2.66').connect()) !== null);
  });

  it('is not who is put off, who logged in, or who stays under the threshold in each window', async () => {
    const from = await start(config);
    const putOff = from.client('192.0.2.1');
    const customer = from.client('192.0.2.2');
    customer.session.identity = { ownerId: 'u', credentialId: 'c', username: 'x' };
    for (let i = 0; i < 5; i += 1) {
      await putOff.mail('me@example.com');
      refused(putOff, 450);
      await customer.mail('me@example.com');
      refused(customer);
    }
    for (let i = 0; i < 3; i += 1) {
      failLogins(from.client('192.0.2.3'), 4);
      relay.clock.advance(601_000);
    }
    failLogins(from.client('192.0.2.99'), 5);
    await waitFor('the ban of another', async () => (await banned()).length > 0);
    expect(await banned()).toEqual(['192.0.2.99/32']);
  });

  it('is banned with its /64 when it comes by IPv6', async () => {
    const from = await start(config);
    failLogins(from.client('2001:db8::1'), 3);
    failLogins(from.client('2001:db8::2'), 3);
    await waitFor('the ban', async () => (await banned()).length > 0);
    expect(await banned()).toEqual(['2001:db8::/64']);
  });

  it('is never banned from a protected network, and takes no neighbour along that is', async () => {
    const from = await start({ ...config, protected: ['198.51.100.0/24', '2001:db8::53'] });
    for (const address of ['127.0.0.1', '127.8.8.8', '::1', '198.51.100.9', '2001:db8::53']) {
      failLogins(from.client(address), 50);
    }
    failLogins(from.client('192.0.2.1', 'office'), 50);
    failLogins(from.client('2001:db8::66'), 50);
    await waitFor('the ban', async () => (await banned()).length > 0);
    expect(await banned()).toEqual(['2001:db8::66/128']);
  });

  it('does not lose the entry that an operator made for longer', async () => {
    const from = await start(config);
    const entry = await list('192.0.2.66/32', { reason: 'for ever' });
    failLogins(from.client('192.0.2.66'), 50);
    failLogins(from.client('192.0.2.67'), 50);
    await waitFor('the ban of another', async () => (await banned()).includes('192.0.2.67/32'));
    expect(await entries()).toContainEqual(entry);
  });

  it('is left alone when that is turned off', async () => {
    const off = await start({ auto_ban: { ...config.auto_ban, enabled: false } });
    failLogins(off.client('192.0.2.66'), 50);
    const on = await startPluginRow([{ plugin, config }], relay.services);
    failLogins(on.client('192.0.2.67'), 50);
    await waitFor('the ban of another', async () => (await banned()).length > 0);
    await on.close();
    expect(await banned()).toEqual(['192.0.2.67/32']);
  });
});
