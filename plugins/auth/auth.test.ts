import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { SluiceError } from '../../core/domain/errors.ts';
import { services } from '../../core/pipeline/services.ts';
import { MemoryBus } from '../../core/storage/memory/bus.ts';
import { MemoryDirectory } from '../../core/storage/memory/directory.ts';
import { MemoryRateLimits } from '../../core/storage/memory/rate-limits.ts';
import type { StoredSecret } from '../../core/storage/ports/accounts.ts';
import { type PluginRow, startPluginRow } from '../../tests/support/plugin-row.ts';
import { type SingleProcess, startSingleProcess } from '../../tests/support/single-process.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import { plugin } from './index.ts';

const wrong = expect.stringMatching(/^535 5\.7\.8 login failed: check username and password/);

let relay: SingleProcess;
let row: PluginRow | undefined;
/** What was verified: the stored secret's kind, or null for an unknown user. */
let verified: (StoredSecret['kind'] | null)[] = [];

beforeAll(async () => {
  relay = await startSingleProcess();
});
afterAll(() => relay.close());
beforeEach(() => {
  relay.clock.set('2026-11-22T14:00:00Z');
  verified = [];
});
afterEach(async () => {
  await row?.close();
  row = undefined;
});

const noDelay = { first: '0ms', most: '0ms' };

/** The plugin with limits of its own; delays are off unless asked for. */
const start = async (config: Record<string, unknown> = {}, others: [symbol, unknown][] = []): Promise<PluginRow> => {
  const { secrets } = relay;
  const verifier = {
    verify(stored: StoredSecret | null, text: string) {
      verified.push(stored?.kind ?? null);
      return secrets.verify(stored, text);
    },
  };
  const given = new Map<symbol, unknown>([
    ...relay.services,
    [services.rateLimits, new MemoryRateLimits({ clock: relay.clock })],
    [services.secretVerifier, verifier],
    ...others,
  ]);
  row = await startPluginRow([{ plugin, config: { delay: noDelay, ...config } }], given);
  return row;
};

describe('a login with a credential that another process made or changed a moment ago', () => {
  it('is judged by what is stored now', async () => {
    const { accounts, log } = relay;
    // Hears nothing, and does not look by itself.
    const bus = new MemoryBus(log);
    const directory = await MemoryDirectory.start({ accounts, bus, log, shared: true, pollMilliseconds: 3_600_000 });
    const from = await start({}, [[services.directory, directory]]);
    const { credential, password } = await relay.issue();
    expect(await from.client('192.0.2.1').login(credential.username, password)).toBeNull();
    const { password: newPassword } = await relay.service.resetPassword(credential.id);
    expect(await from.client('192.0.2.1').login(credential.username, newPassword)).toBeNull();
    expect(await from.client('192.0.2.1').login(credential.username, password)).toEqual(wrong);
    await relay.service.changeCredential(credential.id, { enabled: false });
    await directory.refresh?.(credential.username);
    expect(await from.client('192.0.2.1').login(credential.username, newPassword)).toEqual(wrong);
    await relay.service.changeCredential(credential.id, { enabled: true });
    expect(await from.client('192.0.2.1').login(credential.username, newPassword)).toBeNull();
    expect(await from.client('192.0.2.1').login('nobody', newPassword)).toEqual(wrong);
    await directory.close();
  });
});

describe('a login', () => {
  it('succeeds with username and password, whatever the case of the username', async () => {
    const from = await start();
    const { credential, password } = await relay.issue();
    for (const username of [credential.username, credential.username.toUpperCase()]) {
      const client = from.client('192.0.2.1');
      expect(await client.login(username, password)).toBeNull();
      expect(client.session.identity).toEqual({
        ownerId: credential.ownerId,
        credentialId: credential.id,
        username: credential.username,
      });
    }
  });

  it('fails in the same words for every cause', async () => {
    const from = await start();
    const { credential, password } = await relay.issue();
    const bound = await relay.issue({ networks: ['198.51.100.0/24', '2001:db8::/32'] });
    const disabled = await relay.issue({ enabled: false });
    const deleted = await relay.issue();
    await relay.service.deleteCredential(deleted.credential.id);
    const orphan = await relay.issue();
    await relay.service.deleteUser(orphan.credential.ownerId);
    const answers = [
      await from.client('192.0.2.1').login(credential.username, `${password}x`),
      await from.client('192.0.2.2').login(credential.username, ''),
      await from.client('192.0.2.3').login('relay_00000000_none', password),
      await from.client('192.0.2.4').login(bound.credential.username, bound.password),
      await from.client('192.0.2.5').login(disabled.credential.username, disabled.password),
      await from.client('192.0.2.6').login(deleted.credential.username, deleted.password),
      await from.client('192.0.2.7').login(orphan.credential.username, orphan.password),
    ];
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toEqual(wrong);
  });

  it('does the same work for an unknown user as for a wrong password', async () => {
    const from = await start();
    const { credential } = await relay.issue();
    await from.client('192.0.2.1').login(credential.username, 'wrong');
    await from.client('192.0.2.1').login('relay_00000000_none', 'wrong');
    expect(verified).toEqual(['hmac-sha256', null]);
  });

  it('is admitted from the networks that the credential is bound to', async () => {
    const from = await start();
    const { credential, password } = await relay.issue({ networks: ['198.51.100.0/24', '2001:db8::/32'] });
    expect(await from.client('198.51.100.77').login(credential.username, password)).toBeNull();
    expect(await from.client('2001:db8::1').login(credential.username, password)).toBeNull();
    expect(await from.client('198.51.101.1').login(credential.username, password)).toEqual(wrong);
  });

  it('is put off, uncounted, while too many passwords are being checked', async () => {
    const busy = () => Promise.reject(new SluiceError('LOGIN_BUSY', 'busy'));
    const from = await start({ address: { failures: 1 } }, [[services.secretVerifier, { verify: busy }]]);
    for (let i = 0; i < 3; i += 1) {
      const client = from.client('192.0.2.1');
      expect(await client.login('someone', 'secret')).toMatch(/^454 4\.7\.0 too many logins are being checked/);
      expect(client.verdict).toBe('defer');
    }
  });

  it('is refused for now when the check itself fails', async () => {
    const broken = () => Promise.reject(new Error('out of order'));
    const from = await start({}, [[services.secretVerifier, { verify: broken }]]);
    expect(await from.client('192.0.2.1').login('someone', 'secret')).toMatch(/^454 4\.7\.0 /);
  });
});

describe('guessing', () => {
  it('from one address is cut off after five failures a minute, and only there', async () => {
    const from = await start();
    const { credential, password } = await relay.issue();
    for (let i = 0; i < 5; i += 1) {
      expect(await from.client('192.0.2.9').login(`user-${i}`, 'guess')).toEqual(wrong);
    }
    const client = from.client('192.0.2.9');
    expect(await client.login(credential.username, password)).toBe(
      '421 4.7.0 too many failed logins from 192.0.2.9; try again after 14:05:00 UTC',
    );
    expect(client.verdict).toBe('disconnect');
    expect(verified).toHaveLength(5);
    expect(await from.client('192.0.2.10').login(credential.username, password)).toBeNull();
    relay.clock.advance(5 * 60_000 + 1);
    expect(await from.client('192.0.2.9').login(credential.username, password)).toBeNull();
  });

  it('never makes more than ten in any minute, however cleverly it is spaced', async () => {
    const from = await start();
    const begin = relay.clock.now();
    const made: number[] = [];
    // One to open a window, the rest at its end, and all of the next one at its beginning; then again and again.
    const rounds = [0, 300_000, 700_000].flatMap((round) => [
      round,
      ...Array<number>(4).fill(round + 59_999),
      ...Array<number>(8).fill(round + 60_000),
    ]);
    for (const offset of rounds) {
      relay.clock.set(begin + offset);
      const before = verified.length;
      await from.client('192.0.2.9').login('someone', 'guess');
      if (verified.length > before) made.push(offset);
    }
    const inMinuteFrom = (first: number) => made.filter((one) => one >= first && one < first + 60_000).length;
    expect(Math.max(...made.map(inMinuteFrom))).toBe(9);
  });

  it('behind a shared address costs a credential that is used there no more than a minute', async () => {
    const from = await start();
    const { credential, password } = await relay.issue();
    expect(await from.client('192.0.2.9').login(credential.username, password)).toBeNull();
    const at = relay.clock.now();
    await waitFor('the login to be remembered', () => relay.accounts.knownAddress(credential.id, '192.0.2.9', at));
    for (let i = 0; i < 6; i += 1) await from.client('192.0.2.9').login('relay_00000000_none', 'guess');
    expect(await from.client('192.0.2.9').login(credential.username, password)).toMatch(
      /try again after 14:01:00 UTC$/,
    );
    relay.clock.advance(60_001);
    expect(await from.client('192.0.2.9').login(credential.username, password)).toBeNull();
    expect(await from.client('192.0.2.9').login('relay_00000000_none', 'guess')).toMatch(/^421 .* 14:05:00 UTC$/);
  });

  it('does not take for guesses what are many right logins at the same moment', async () => {
    const from = await start();
    const { credential, password } = await relay.issue();
    const logins = Array.from({ length: 40 }, () => from.client('192.0.2.77').login(credential.username, password));
    expect(new Set(await Promise.all(logins))).toEqual(new Set([null]));
  });

  it('counts all guesses that are made at the same moment', async () => {
    const from = await start();
    await Promise.all(Array.from({ length: 50 }, (_, i) => from.client('192.0.2.9').login(`user-${i}`, 'guess')));
    expect(verified).toHaveLength(5);
  });

  it('counts IPv6 clients by their /64', async () => {
    const from = await start({ address: { failures: 2 } });
    for (const address of ['2001:db8::1', '2001:db8::2']) {
      expect(await from.client(address).login('someone', 'guess')).toEqual(wrong);
    }
    expect(await from.client('2001:db8::3').login('someone', 'guess')).toMatch(/^421 /);
    expect(await from.client('2001:db8:0:1::3').login('someone', 'guess')).toEqual(wrong);
  });

  it('is not what right logins are counted as, however many', async () => {
    const from = await start();
    const { credential, password } = await relay.issue();
    for (let i = 0; i < 30; i += 1) {
      expect(await from.client('192.0.2.1').login(credential.username, password)).toBeNull();
    }
  });

  it('of one credential from many addresses locks it, but not for addresses that know it', async () => {
    const from = await start({ credential: { failures: 5 } });
    const { credential, password } = await relay.issue();
    const home = from.client('203.0.113.5');
    expect(await home.login(credential.username, password)).toBeNull();
    const at = relay.clock.now();
    await waitFor('the login to be remembered', () => relay.accounts.knownAddress(credential.id, '203.0.113.5', at));
    for (let i = 0; i < 5; i += 1) {
      expect(await from.client(`192.0.2.${i}`).login(credential.username, 'guess')).toEqual(wrong);
    }
    const locked = '454 4.7.0 too many failed logins as this user; try again after 14:15:00 UTC';
    expect(await from.client('192.0.2.200').login(credential.username, password)).toBe(locked);
    expect(await from.client('203.0.113.5').login(credential.username, password)).toBeNull();
    expect(await from.client('203.0.113.5').login(credential.username, 'guess')).toEqual(wrong);
    relay.clock.advance(15 * 60_000 + 1);
    expect(await from.client('192.0.2.200').login(credential.username, password)).toBeNull();
  });

  it('locks unknown usernames in the same way', async () => {
    const from = await start({ credential: { failures: 2 } });
    for (let i = 0; i < 2; i += 1) await from.client(`192.0.2.${i}`).login('relay_00000000_none', 'guess');
    expect(await from.client('192.0.2.7').login('relay_00000000_none', 'guess')).toMatch(
      /^454 4\.7\.0 too many failed logins as this user/,
    );
  });

  it('finds addresses unknown again whose last login is 30 days old', async () => {
    const from = await start({ credential: { failures: 1, lock: '60d' }, known_for: '30d' });
    const { credential, password } = await relay.issue();
    await from.client('203.0.113.5').login(credential.username, password);
    const at = relay.clock.now();
    await waitFor('the login to be remembered', () => relay.accounts.knownAddress(credential.id, '203.0.113.5', at));
    await from.client('192.0.2.1').login(credential.username, 'guess');
    relay.clock.advance(30 * 86_400_000 + 1);
    expect(await from.client('203.0.113.5').login(credential.username, password)).toMatch(/^454 /);
  });

  it('is slowed down more with each failure', async () => {
    vi.useFakeTimers();
    try {
      const from = await start({ delay: { first: '1s', most: '5s' } });
      const waits: number[] = [];
      for (let i = 0; i < 5; i += 1) {
        let done = false;
        const answer = from.client('192.0.2.1').login(`user-${i}`, 'guess');
        void answer.then(() => {
          done = true;
        });
        let waited = 0;
        for (; !done; waited += 500) await vi.advanceTimersByTimeAsync(500);
        waits.push(waited);
        expect(await answer).toEqual(wrong);
      }
      expect(waits).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is told to other plugins', async () => {
    const client = (await start()).client('192.0.2.1');
    await client.login('someone', 'guess');
    await client.login('someone', 'guess');
    expect(client.session.notes.auth?.failures).toBe(2);
  });
});

describe('an open session', () => {
  const revoked = '421 4.7.0 your login is no longer valid; connect and log in again';

  it.each<[string, (id: string) => Promise<unknown>]>([
    ['is disabled', (id) => relay.service.changeCredential(id, { enabled: false })],
    ['is deleted', (id) => relay.service.deleteCredential(id)],
    ['gets a new password', (id) => relay.service.resetPassword(id)],
    ['is bound to other networks', (id) => relay.service.changeCredential(id, { networks: ['198.51.100.1'] })],
  ])('ends when its credential %s', async (_, change) => {
    const client = (await start()).client('192.0.2.1');
    const { credential, password } = await relay.issue();
    expect(await client.login(credential.username, password)).toBeNull();
    expect(await client.mail('me@example.com')).toBeNull();
    await change(credential.id);
    expect(await client.message('From: me@example.com')).toBe(revoked);
    expect(await client.mail('me@example.com')).toBe(revoked);
    expect(client.verdict).toBe('disconnect');
  });

  it('goes on when something else of the credential changes', async () => {
    const client = (await start()).client('192.0.2.1');
    const { credential, password } = await relay.issue();
    await client.login(credential.username, password);
    await relay.service.changeCredential(credential.id, { name: 'renamed', hourly_quota: 5 });
    expect(await client.mail('me@example.com')).toBeNull();
  });
});
