import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../core/storage/ports/audit-log.ts';
import {
  type BlacklistEntry,
  type BlacklistFilter,
  type BlacklistListOptions,
  blacklistBatch,
} from '../../core/storage/ports/blacklist.ts';
import type { OpenStorage, Storage } from './storage.ts';

type Order = Pick<BlacklistListOptions, 'sort' | 'descending'>;

const hour = 3_600_000;
const now = Date.now();

const entry = (network: string, change: Partial<BlacklistEntry> = {}): BlacklistEntry => ({
  id: uuidv7(),
  network,
  reason: `listed as ${network}`,
  source: 'auto-ban',
  createdAt: now,
  updatedAt: now,
  expiresAt: null,
  ...change,
});

const audited = (action: string, subject: string): AuditEntry => ({
  id: uuidv7(),
  at: now,
  actor: { kind: 'system' },
  address: null,
  requestId: null,
  action,
  subject: { kind: 'blacklist-entry', id: subject },
  before: null,
  after: { reason: 'x' },
});

/** What every adapter of `Blacklist` has to do. */
export function describeBlacklist(name: string, open: OpenStorage): void {
  describe(`${name} as the store of the blacklist`, () => {
    let storage: Storage;
    beforeAll(async () => {
      storage = await open();
    });
    afterAll(() => storage.close());

    const networks = async (filter: BlacklistFilter, order: Order = {}): Promise<string[]> =>
      (await storage.blacklist.list(filter, { limit: 1_000, ...order })).items.map(({ network }) => network);
    const clear = async (): Promise<void> => {
      const { items } = await storage.blacklist.list({}, { limit: 1_000 });
      await Promise.all(items.map(({ id }) => storage.blacklist.remove(id)));
    };
    const actions = async (subjectId: string): Promise<string[]> =>
      (await storage.auditLog.list({ subjectId }, { limit: 10 })).items.map(({ action }) => action);

    it('keeps entries, replaces the one for the same network, removes by id, and has the rest after a restart', async () => {
      const [v4, v6] = [entry('192.0.2.0/24', { expiresAt: now + 60_000 }), entry('2001:db8::/32')];
      await storage.blacklist.put(v4);
      await storage.blacklist.put(v6);
      expect((await storage.blacklist.list({}, { limit: 10 })).items).toEqual([v4, v6]);
      const newer = entry('192.0.2.0/24', { source: 'manual', reason: 'asked for' });
      await storage.blacklist.put(newer);
      expect(await networks({})).toHaveLength(2);
      expect(await storage.blacklist.get(v4.id)).toBeNull();
      expect(await storage.blacklist.remove(v4.id)).toBe(false);
      expect(await storage.blacklist.remove(v6.id)).toBe(true);
      storage = await storage.reopen();
      expect((await storage.blacklist.list({}, { limit: 10 })).items).toEqual([newer]);
      expect(await storage.blacklist.get(newer.id)).toEqual(newer);
      expect(await storage.blacklist.get('nobody')).toBeNull();
      await clear();
    });

    it('adds what is not there, answers what is in the way, and replaces what has ended', async () => {
      const first = entry('198.51.100.0/24', { expiresAt: now + hour });
      expect(await storage.blacklist.insert(first, audited('blacklist.create', first.id))).toBeNull();
      const second = entry('198.51.100.0/24');
      expect(await storage.blacklist.insert(second, audited('blacklist.create', second.id))).toEqual(first);
      expect(await storage.blacklist.get(second.id)).toBeNull();
      expect([await actions(first.id), await actions(second.id)]).toEqual([['blacklist.create'], []]);
      const later = entry('198.51.100.0/24', { createdAt: now + hour });
      expect(await storage.blacklist.insert(later)).toBeNull();
      expect(await networks({})).toEqual(['198.51.100.0/24']);
      expect(await storage.blacklist.get(first.id)).toBeNull();
      await clear();
    });

    it('lets one of many simultaneous inserts of a network in', async () => {
      const all = Array.from({ length: 10 }, () => entry('203.0.113.7/32'));
      const answers = await Promise.all(all.map((one) => storage.blacklist.insert(one)));
      expect(answers.filter((answer) => answer === null)).toHaveLength(1);
      const [stored] = (await storage.blacklist.list({}, { limit: 10 })).items;
      for (const answer of answers) expect([null, stored?.id]).toContain(answer?.id ?? null);
      await clear();
    });

    it('changes one version of an entry, network included, and writes the audit entry with it', async () => {
      const one = entry('192.0.2.1/32');
      const other = entry('192.0.2.2/32');
      await storage.blacklist.putAll([one, other]);
      const { update } = storage.blacklist;
      expect(await update('nobody', { updatedAt: now })).toBe('not-found');
      const change = { reason: 'asked for', expiresAt: now + hour, updatedAt: now };
      const audit = audited('blacklist.change', one.id);
      expect(await update(one.id, change, { ifUpdatedAt: now, audit })).toBe('changed');
      const changed = { ...one, ...change, updatedAt: now + 1 };
      expect(await storage.blacklist.get(one.id)).toEqual(changed);
      await expect(update(one.id, { reason: 'late', updatedAt: now }, { ifUpdatedAt: now })).rejects.toMatchObject({
        code: 'PRECONDITION_FAILED',
      });
      const move = (network: string) => update(one.id, { network, updatedAt: now + 10 });
      expect(await move('192.0.2.2/32')).toBe('taken');
      expect(await storage.blacklist.get(one.id)).toEqual(changed);
      expect(await move('192.0.2.0/25')).toBe('changed');
      expect(await networks({})).toEqual(['192.0.2.0/25', '192.0.2.2/32']);
      await expect(storage.blacklist.remove(one.id, { ifUpdatedAt: now })).rejects.toMatchObject({
        code: 'PRECONDITION_FAILED',
      });
      const removal = audited('blacklist.delete', one.id);
      expect(await storage.blacklist.remove(one.id, { audit: removal })).toBe(true);
      expect(await storage.blacklist.remove(one.id, { audit: audited('blacklist.delete', one.id) })).toBe(false);
      expect(await actions(one.id)).toEqual(['blacklist.delete', 'blacklist.change']);
      await clear();
    });

    it('stores many at once, replaces those of the same network, and finds them again by network', async () => {
      const many = Array.from({ length: blacklistBatch }, (_, n) => entry(`10.0.${n >> 8}.${n & 255}/32`));
      await storage.blacklist.putAll(many, audited('blacklist.import', 'many'));
      expect(await actions('many')).toEqual(['blacklist.import']);
      const [first, second] = many;
      if (first === undefined || second === undefined) throw new Error('there are many');
      const version = { ...first, reason: 'another', updatedAt: now + 1 };
      await storage.blacklist.putAll([version, entry(second.network, { id: 'new' })]);
      expect(await networks({})).toHaveLength(blacklistBatch);
      const asked = [first.network, second.network, '10.9.9.9/32'];
      const found = await storage.blacklist.byNetworks(asked);
      expect(found.toSorted((a, b) => a.network.localeCompare(b.network))).toEqual([
        version,
        expect.objectContaining({ id: 'new', network: second.network }),
      ]);
      expect(await storage.blacklist.byNetworks([])).toEqual([]);
      await clear();
    });

    describe('lists', () => {
      const end = (hours: number) => ({ expiresAt: now + hours * hour });
      const rows = [
        entry('2001:db8::/32', { ...end(3), source: 'import' }),
        entry('10.0.0.0/8', end(2)),
        entry('10.1.0.0/16', { source: 'manual', reason: 'Port SCANS, 100%' }),
        entry('10.1.2.3/32', end(-1)),
        entry('9.255.255.255/32', { source: 'manual' }),
        entry('2001:db8:1::1/128', end(1)),
        entry('10.1.2.0/24', end(2)),
      ];
      const sorted = [
        '9.255.255.255/32',
        '10.0.0.0/8',
        '10.1.0.0/16',
        '10.1.2.0/24',
        '10.1.2.3/32',
        '2001:db8::/32',
        '2001:db8:1::1/128',
      ];
      const byEnd = [
        '10.1.2.3/32',
        '2001:db8:1::1/128',
        '10.0.0.0/8',
        '10.1.2.0/24',
        '2001:db8::/32',
        '10.1.0.0/16',
        '9.255.255.255/32',
      ];
      beforeAll(async () => {
        for (const row of rows) await storage.blacklist.put(row);
      });
      afterAll(clear);

      it.each<[BlacklistFilter, string[]]>([
        [{}, sorted],
        [{ holding: '10.1.2.3/32' }, ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.0/24', '10.1.2.3/32']],
        [{ holding: '10.1.0.0/16' }, ['10.0.0.0/8', '10.1.0.0/16']],
        [{ holding: '10.2.0.1/32' }, ['10.0.0.0/8']],
        [{ holding: '11.0.0.1/32' }, []],
        [{ holding: '2001:db8:1::1/128' }, ['2001:db8::/32', '2001:db8:1::1/128']],
        [{ within: '10.1.0.0/16' }, ['10.1.0.0/16', '10.1.2.0/24', '10.1.2.3/32']],
        [{ within: '10.1.2.3/32' }, ['10.1.2.3/32']],
        [{ within: '0.0.0.0/0' }, sorted.slice(0, 5)],
        [{ within: '2001:db8:1::/48' }, ['2001:db8:1::1/128']],
        [{ source: 'manual' }, ['9.255.255.255/32', '10.1.0.0/16']],
        [{ source: 'import' }, ['2001:db8::/32']],
        [{ search: 'port scans' }, ['10.1.0.0/16']],
        [{ search: '100%' }, ['10.1.0.0/16']],
        [{ search: '.*' }, []],
        [{ inForceAt: now }, sorted.filter((network) => network !== '10.1.2.3/32')],
        [{ inForceAt: now + 2 * hour }, ['9.255.255.255/32', '10.1.0.0/16', '2001:db8::/32']],
        [{ endedBy: now }, ['10.1.2.3/32']],
        [{ holding: '10.1.2.3/32', source: 'manual', inForceAt: now }, ['10.1.0.0/16']],
      ])('what %j means', async (filter, expected) => {
        expect(await networks(filter)).toEqual(expected);
      });

      it.each<[Order, string[]]>([
        [{ sort: 'network' }, sorted],
        [{ sort: 'network', descending: true }, sorted.toReversed()],
        [{ sort: 'created_at' }, rows.map(({ network }) => network)],
        [{ sort: 'created_at', descending: true }, rows.map(({ network }) => network).toReversed()],
        [{ sort: 'expires_at' }, byEnd],
        [{ sort: 'expires_at', descending: true }, byEnd.toReversed()],
      ])('in the order %j, page by page, without gap or repeat', async (order, expected) => {
        expect(await networks({}, order)).toEqual(expected);
        for (const limit of [1, 2, 7]) {
          const paged: string[] = [];
          let after: string | null = null;
          do {
            const next: Pick<BlacklistListOptions, 'after'> = after === null ? {} : { after };
            const page = await storage.blacklist.list({}, { ...order, limit, ...next });
            expect(page.items.length).toBeLessThanOrEqual(limit);
            paged.push(...page.items.map(({ network }) => network));
            after = page.next;
          } while (after !== null);
          expect(paged).toEqual(expected);
        }
      });

      it.each<Order>([{}, { sort: 'created_at' }, { sort: 'expires_at', descending: true }])(
        'goes on behind an entry that is gone: %j',
        async (order) => {
          const all = await networks({}, order);
          const first = await storage.blacklist.list({}, { ...order, limit: 3 });
          const last = first.items.at(-1);
          if (last === undefined || first.next === null) throw new Error('there are more');
          await storage.blacklist.remove(last.id);
          const rest = await storage.blacklist.list({}, { ...order, limit: 10, after: first.next });
          await storage.blacklist.put(last);
          expect(rest.items.map(({ network }) => network)).toEqual(all.slice(3));
        },
      );
    });
  });
}
