import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogEntry, MailLogFilter } from '../../core/storage/ports/mail-log.ts';
import { claim, deferred, finish, finished, mail, recipient, refusal } from './mail.ts';
import type { OpenStorage, Storage } from './storage.ts';

const minute = 60_000;
const hour = 60 * minute;

/** What every adapter of `MailLog` has to do. */
export function describeMailLog(name: string, open: OpenStorage): void {
  describe(`${name} as a mail log`, () => {
    let storage: Storage;
    const start = Math.floor(Date.now() / hour) * hour - 10 * hour;
    const labels = new Map<string, string>();

    const store = async (label: string, message: ReturnType<typeof mail>): Promise<void> => {
      labels.set(message.facts.id, label);
      await storage.messages.commit(message);
    };
    const at = (minutes: number): { acceptedAt: number } => ({ acceptedAt: start + minutes * minute });

    beforeAll(async () => {
      storage = await open();
      const alice = { ownerId: 'alice', credentialId: 'alice-1', sender: 'Alice@Example.org' };
      await store('one', mail({ facts: { ...alice, ...at(0) }, recipients: [recipient('bob@x.test')] }));
      await store(
        'two',
        mail({
          facts: { ...alice, ...at(1), credentialId: 'alice-2', messageId: '<two@example.org>' },
          recipients: [recipient('bob@x.test'), recipient('Carol@y.test')],
        }),
      );
      await store('three', mail({ facts: { ...at(61), ownerId: 'network:lan', credentialId: null } }));
      const turned = refusal({ at: start + 62 * minute, ownerId: 'alice', recipients: ['bob@x.test'] });
      labels.set(turned.id, 'refused');
      storage.messages.recordRefusal(turned);
      await store('four', mail({ facts: { ...alice, ...at(63) }, recipients: [recipient('dan@x.test')] }));
      for (const one of await claim(storage.deliveries)) {
        const label = labels.get(one.record.id);
        if (label === 'one') await finish(storage.deliveries, one);
        if (label === 'four') await finish(storage.deliveries, one, 'bounced');
        if (label === 'two') {
          const [bob, carol] = one.record.recipients;
          if (bob === undefined || carol === undefined) throw new Error('two recipients were expected');
          await storage.deliveries.settle({
            lease: one.lease,
            recipients: [
              { index: 0, recipient: finished(bob) },
              { index: 1, recipient: deferred(carol, Date.now() + hour) },
            ],
            attempts: [],
            generated: [],
            release: true,
          });
        }
      }
    });
    afterAll(() => storage.close());

    const label = ({ record }: LogEntry): string | undefined => labels.get(record.id);
    const found = async (filter: MailLogFilter, oldestFirst = false): Promise<(string | undefined)[]> =>
      (await storage.mailLog.list(filter, { limit: 50, oldestFirst })).items.map(label);

    it('lists the newest first, refused transactions among the mail', async () => {
      expect(await found({})).toEqual(['four', 'refused', 'three', 'two', 'one']);
    });

    it.each<[MailLogFilter, string[]]>([
      [{ ownerId: 'alice' }, ['four', 'refused', 'two', 'one']],
      [{ ownerId: 'nobody' }, []],
      [{ credentialId: 'alice-2' }, ['two']],
      [{ ownerId: 'alice', credentialId: 'alice-1' }, ['four', 'one']],
      [{ ownerId: 'network:lan' }, ['three']],
      [{ status: 'delivered' }, ['two', 'one']],
      [{ status: 'deferred' }, ['two']],
      [{ status: 'bounced' }, ['four']],
      [{ status: 'queued' }, ['three']],
      [{ status: 'refused' }, ['refused']],
      [{ status: 'aborted' }, []],
      [{ status: 'expired' }, []],
      [{ address: 'BOB@x.test' }, ['refused', 'two', 'one']],
      [{ address: 'alice@example.org' }, ['four', 'two', 'one']],
      [{ address: 'bob' }, []],
      [{ domain: 'y.test' }, ['two']],
      [{ domain: 'X.TEST', status: 'delivered' }, ['two', 'one']],
      [{ address: 'carol@Y.test', domain: 'x.test' }, ['two']],
      [{ messageId: '<two@example.org>' }, ['two']],
      [{ upstream: 'default' }, ['four', 'two', 'one']],
      [{ upstream: 'default', status: 'deferred' }, ['two']],
      [{ upstream: 'default', address: 'bob@x.test' }, ['two', 'one']],
      [{ upstream: 'def' }, []],
      [{ upstream: 'other', domain: 'x.test' }, []],
      [{ messageId: '<none@example.org>' }, []],
      [{ from: start + minute, until: start + 62 * minute }, ['three', 'two']],
      [{ from: start + 63 * minute }, ['four']],
      [{ until: start }, []],
    ])('finds by %j', async (filter, expected) => {
      expect(await found(filter)).toEqual(expected);
      expect(await found(filter, true)).toEqual(expected.toReversed());
    });

    const paging: MailLogFilter[] = [{}, { ownerId: 'alice' }, { domain: 'x.test' }, { upstream: 'default' }];

    const pages = async (
      filter: MailLogFilter,
      oldestFirst: boolean,
      between: () => Promise<void> = async () => {},
    ): Promise<string[]> => {
      const ids: string[] = [];
      let after: string | null | undefined;
      while (after !== null) {
        const from: { after?: string } = after === undefined ? {} : { after };
        const page = await storage.mailLog.list(filter, { limit: 1, oldestFirst, ...from });
        expect(page.items.length).toBeLessThanOrEqual(1);
        ids.push(...page.items.map(({ record }) => record.id));
        after = page.next;
        await between();
      }
      return ids;
    };

    describe.each([false, true])('with the oldest first: %s', (oldestFirst) => {
      it.each(paging)('pages %j without gap or repeat', async (filter) => {
        expect((await pages(filter, oldestFirst)).map((id) => labels.get(id))).toEqual(
          await found(filter, oldestFirst),
        );
      });
    });

    it('knows nothing of ids that were never used', async () => {
      for (const id of [uuidv7(), 'x', '']) {
        expect(await storage.mailLog.get(id)).toBeNull();
        expect(await storage.mailLog.attempts(id)).toEqual([]);
        expect(await storage.mailLog.readChunk(id, 0)).toBeNull();
      }
    });

    it('shows the queue, the next due first, page by page and by owner', async () => {
      const first = await storage.mailLog.queue({ limit: 1 });
      expect(first.items.map(label)).toEqual(['three']);
      const second = await storage.mailLog.queue({ limit: 1, ...(first.next === null ? {} : { after: first.next }) });
      expect(second).toMatchObject({ next: null });
      expect(second.items.map(label)).toEqual(['two']);
      expect((await storage.mailLog.queue({ ownerId: 'alice', limit: 5 })).items.map(label)).toEqual(['two']);
      expect((await storage.mailLog.queue({ ownerId: 'nobody', limit: 5 })).items).toEqual([]);
    });

    it('sums up the queue', async () => {
      const state = await storage.mailLog.queueState();
      expect(state).toEqual({ messages: 2, queued: 1, deferred: 1, held: 0, leased: 1, oldest: start + minute });
    });

    it('conserves recipients', async () => {
      const sum = await storage.mailLog.conservation();
      expect(sum).toMatchObject({ accepted: 5, generated: 0, balanced: true });
      expect(sum.states).toMatchObject({ delivered: 2, bounced: 1, deferred: 1, queued: 1, relayed: 0 });
    });

    it('counts by hour, owner and credential', async () => {
      const all = { from: start, until: Date.now() + hour };
      const rows = await storage.mailLog.statistics(all);
      expect(rows.map((row) => row.hour)).toEqual([...rows.map((row) => row.hour)].sort((a, b) => a - b));
      const sum = (key: 'accepted' | 'delivered' | 'bounced' | 'deferred' | 'refused', of = rows): number =>
        of.reduce((total, row) => total + row[key], 0);
      expect(rows.filter(({ accepted }) => accepted > 0).map((row) => [row.hour, row.accepted])).toEqual([
        [start, 3],
        [start + hour, 2],
      ]);
      expect([sum('delivered'), sum('bounced'), sum('deferred'), sum('refused')]).toEqual([2, 1, 1, 1]);
      const alice = await storage.mailLog.statistics({ ...all, ownerId: 'alice' });
      expect([sum('accepted', alice), sum('refused', alice)]).toEqual([4, 1]);
      const second = await storage.mailLog.statistics({ ...all, ownerId: 'alice', credentialId: 'alice-2' });
      expect([sum('accepted', second), sum('delivered', second)]).toEqual([2, 1]);
      expect(await storage.mailLog.statistics({ from: start, until: start })).toEqual([]);
    });

    it('leaves our own reports out of the statistics', async () => {
      const report = mail({ facts: { origin: 'bounce', ownerId: 'reporter', sender: '' } });
      await storage.messages.commit(report);
      expect(await storage.mailLog.statistics({ ownerId: 'reporter', from: 0, until: Date.now() + hour })).toEqual([]);
      await storage.queueActions.act(report.facts.id, { do: 'cancel' });
      expect(await storage.mailLog.statistics({ ownerId: 'reporter', from: 0, until: Date.now() + hour })).toEqual([]);
    });

    it('tells how many recipients were accepted in a span, for the counters', async () => {
      const accepted = storage.mailLog.acceptedBetween;
      expect(await accepted({ ownerId: 'alice' }, start, start + hour)).toBe(3);
      expect(await accepted({ ownerId: 'alice' }, start, start + 2 * hour)).toBe(4);
      expect(await accepted({ credentialId: 'alice-1' }, start, start + 2 * hour)).toBe(2);
      expect(await accepted({ credentialId: 'alice-2' }, start + minute, start + minute + 1)).toBe(2);
      expect(await accepted({ ownerId: 'nobody' }, 0, Date.now())).toBe(0);
    });

    it.each([false, true])(
      'shows each of those that were there once, while others come, oldest first: %s',
      async (oldestFirst) => {
        const owner = `busy-${oldestFirst}`;
        const send = async (): Promise<string> => {
          const message = mail({ facts: { ownerId: owner, acceptedAt: Date.now() } });
          await storage.messages.commit(message);
          return message.facts.id;
        };
        const there = [await send(), await send(), await send(), await send()];
        const added: string[] = [];
        const seen = await pages({ ownerId: owner }, oldestFirst, async () => {
          if (added.length < 3) added.push(await send());
        });
        const order = oldestFirst ? there : there.toReversed();
        expect(seen.filter((id) => there.includes(id))).toEqual(order);
        expect(new Set(seen).size).toBe(seen.length);
        for (const id of [...there, ...added]) await storage.queueActions.act(id, { do: 'cancel' });
      },
    );
  });
}
