import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventFilter, SluiceEvent } from '../../core/domain/event.ts';
import type { Events } from '../../core/storage/ports/events.ts';
import { waitFor } from '../support/wait-for.ts';
import { claim, claimNow, deferred, finish, finished, mail, recipient, refusal } from './mail.ts';
import type { Storage } from './storage.ts';

export interface EventStorage extends Storage {
  readonly events: Events;
  reopen(): Promise<EventStorage>;
  crash(): Promise<EventStorage>;
}

/** What every adapter of `Events` has to do. `open` answers a store whose database is empty. */
export function describeEvents(name: string, open: () => Promise<EventStorage>): void {
  describe(`${name} as the store of events`, () => {
    let storage: EventStorage;
    beforeEach(async () => {
      storage = await open();
    });
    afterEach(() => storage.close());

    const list = async (filter: EventFilter = {}, after = 0): Promise<readonly SluiceEvent[]> => {
      const events: SluiceEvent[] = [];
      for (let page = { through: after, more: true }; page.more; ) {
        const next = await storage.events.list(filter, { after: page.through, limit: 3 });
        events.push(...next.events);
        page = next;
      }
      return events;
    };
    /** Events may come into sight a little after the commit (MongoDB publishes them). */
    const eventually = (count: number, filter: EventFilter = {}) =>
      waitFor(`${count} events`, async () => {
        const events = await list(filter);
        return events.length >= count ? events : null;
      });
    const oneClaimed = async () => {
      const [one] = await claim(storage.deliveries);
      if (one === undefined) throw new Error('nothing was claimed');
      return one;
    };
    const types = (events: readonly SluiceEvent[]) => events.map(({ type }) => type);

    it('begins empty', async () => {
      expect(await storage.events.bounds()).toEqual({ oldest: 1, newest: 0 });
      expect(await storage.events.list({}, { after: 0, limit: 10 })).toEqual({ events: [], through: 0, more: false });
    });

    it('tells of the way of a message, with owner and credential as they were at acceptance', async () => {
      const message = mail({ recipients: ['a@x.test', 'b@x.test'].map((address) => recipient(address)) });
      await storage.messages.commit(message);
      const { record, lease } = await oneClaimed();
      const later = record.recipients.map((one, index) => ({ index, recipient: deferred(one, Date.now()) }));
      await storage.deliveries.settle({ lease, recipients: later, attempts: [], generated: [], release: true });
      await finish(storage.deliveries, await oneClaimed(), 'delivered');
      const common = {
        at: expect.any(Number),
        ownerId: 'owner-1',
        credentialId: 'credential-1',
        entryId: message.facts.id,
        messageId: message.facts.messageId,
        sender: 'from@example.org',
        recipients: ['a@x.test', 'b@x.test'],
      };
      const events = await eventually(3);
      expect(events).toEqual([
        { id: 1, type: 'accepted', ...common, upstream: null, reply: null },
        { id: 2, type: 'deferred', ...common, upstream: 'default', reply: '450 4.2.0 later' },
        { id: 3, type: 'delivered', ...common, upstream: 'default', reply: '250 2.0.0 ok' },
      ]);
      expect(Math.abs(Date.now() - (events[0]?.at ?? 0))).toBeLessThan(60_000);
      expect(await storage.events.bounds()).toEqual({ oldest: 1, newest: 3 });
    });

    it('tells of recipients apart that ended differently, and of none twice', async () => {
      const addresses = ['a@x.test', 'b@y.test', 'c@y.test', 'd@z.test'];
      await storage.messages.commit(mail({ recipients: addresses.map((address) => recipient(address)) }));
      const { record, lease } = await oneClaimed();
      const [a, b, c, d] = record.recipients;
      if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error('four recipients');
      const settle = (recipients: Parameters<typeof storage.deliveries.settle>[0]['recipients'], release: boolean) =>
        storage.deliveries.settle({ lease, recipients, attempts: [], generated: [], release });
      await settle([{ index: 0, recipient: finished(a) }], false);
      const bounced = [b, c].map((one, n) => ({ index: n + 1, recipient: finished(one, 'bounced') }));
      const postponed = { ...d, state: 'deferred' as const, nextAt: Date.now() + 600_000, postponed: true };
      await settle([{ index: 0, recipient: finished(a) }, ...bounced, { index: 3, recipient: postponed }], true);
      const events = await eventually(3);
      expect(events.map((event) => [event.type, 'recipients' in event ? event.recipients : []])).toEqual([
        ['accepted', addresses],
        ['delivered', ['a@x.test']],
        ['bounced', ['b@y.test', 'c@y.test']],
      ]);
    });

    it('tells of what a plugin disposed of, of held and of cancelled mail', async () => {
      await storage.messages.commit(mail({ recipients: [finished(recipient('gone@x.test'), 'discarded')] }));
      const message = mail();
      await storage.messages.commit(message);
      await storage.queueActions.act(message.facts.id, { do: 'hold' });
      await storage.queueActions.act(message.facts.id, { do: 'hold' });
      await storage.queueActions.act(message.facts.id, { do: 'release' });
      await oneClaimed();
      await storage.queueActions.act(message.facts.id, { do: 'cancel' });
      expect(types(await eventually(4))).toEqual(['accepted', 'discarded', 'accepted', 'held']);
    });

    it('tells of an order that a worker honours', async () => {
      const message = mail();
      await storage.messages.commit(message);
      const { lease } = await oneClaimed();
      await storage.queueActions.act(message.facts.id, { do: 'cancel' });
      await storage.deliveries.settle({ lease, recipients: [], attempts: [], generated: [], release: true });
      expect(types(await eventually(2))).toEqual(['accepted', 'cancelled']);
    });

    it('tells of refusals that have a row in the log, and of no bounces of our own', async () => {
      const refused = refusal({ ownerId: null, credentialId: null });
      storage.messages.recordRefusal(refused);
      storage.messages.recordRefusal(refusal({ outcome: 'reset', reply: null }));
      await storage.messages.commit(mail({ facts: { origin: 'bounce', sender: '' } }));
      await finish(storage.deliveries, await oneClaimed());
      await storage.messages.commit(mail());
      expect(await eventually(2)).toMatchObject([
        {
          type: 'rejected',
          ownerId: null,
          credentialId: null,
          entryId: refused.id,
          messageId: null,
          sender: refused.sender,
          recipients: refused.recipients,
          upstream: null,
          reply: '550 5.7.1 no',
        },
        { type: 'accepted' },
      ]);
    });

    it('tells that mail was in flight when its worker vanished', async () => {
      await storage.messages.commit(mail());
      await oneClaimed();
      storage = await storage.crash();
      await claimNow(storage.deliveries);
      expect(types(await eventually(2))).toEqual(['accepted', 'deferred']);
    });

    it('tells that other settings are in force', async () => {
      const version = { number: 7, overlay: { plugins: {}, order: null }, fingerprint: 'f', author: null, at: 1 };
      await storage.settings.propose({ ...version, cause: 'change' });
      await storage.settings.accept(7);
      await storage.settings.accept(7);
      await storage.settings.propose({ ...version, number: 8, cause: 'change' });
      await storage.settings.reject(8, 'no');
      await storage.messages.commit(mail());
      const [event, ...rest] = await eventually(2);
      expect(event).toEqual({
        id: 1,
        type: 'configuration_changed',
        at: expect.any(Number),
        version: 7,
        cause: 'change',
      });
      expect(types(rest)).toEqual(['accepted']);
    });

    it('filters by owner, credential and type, all together', async () => {
      await storage.messages.commit(mail({ facts: { ownerId: 'anna', credentialId: 'shop' } }));
      await storage.messages.commit(mail({ facts: { ownerId: 'anna', credentialId: 'blog' } }));
      await storage.messages.commit(mail({ facts: { ownerId: 'bert', credentialId: 'shop' } }));
      for (const one of await claim(storage.deliveries)) await finish(storage.deliveries, one);
      await eventually(6);
      expect(types(await list({ ownerId: 'anna' }))).toHaveLength(4);
      expect(types(await list({ ownerId: 'anna', credentialId: 'shop' }))).toEqual(['accepted', 'delivered']);
      expect(await list({ ownerId: 'bert', types: ['delivered', 'bounced'] })).toMatchObject([{ type: 'delivered' }]);
      expect(await list({ types: ['bounced'] })).toEqual([]);
      expect(await list({ ownerId: 'nobody' })).toEqual([]);
    });

    it('goes through a page of events of which none is meant', async () => {
      for (let n = 0; n < 4; n += 1) await storage.messages.commit(mail({ facts: { ownerId: 'other' } }));
      await eventually(4);
      const page = await storage.events.list({ ownerId: 'anna' }, { after: 1, limit: 2 });
      expect(page).toEqual({ events: [], through: 3, more: true });
      expect(await list({ ownerId: 'anna' })).toEqual([]);
    });

    it('counts on over a restart', async () => {
      await storage.messages.commit(mail());
      await eventually(1);
      storage = await storage.reopen();
      await storage.messages.commit(mail());
      expect((await eventually(2)).map(({ id }) => id)).toEqual([1, 2]);
      expect(await list({}, 1)).toMatchObject([{ id: 2 }]);
      expect(await list({}, 100)).toEqual([]);
    });

    it('lets no id come into sight after a higher one, however many write', async () => {
      const messages = Array.from({ length: 200 }, () => mail());
      let writing = true;
      const written = Promise.all(messages.map((message) => storage.messages.commit(message))).finally(() => {
        writing = false;
      });
      const seen: number[] = [];
      let through = 0;
      for (let last = false; !last; ) {
        last = !writing;
        const page = await storage.events.list({}, { after: through, limit: 50 });
        seen.push(...page.events.map(({ id }) => id));
        through = page.through;
        last &&= seen.length === messages.length;
      }
      await written;
      expect(seen).toEqual((await list()).map(({ id }) => id));
      expect(new Set(seen).size).toBe(200);
    });

    it('calls those who watch, until they end it', async () => {
      let calls = 0;
      let others = 0;
      const end = storage.events.watch(() => {
        calls += 1;
      });
      const endOther = storage.events.watch(() => {
        others += 1;
      });
      await storage.messages.commit(mail());
      await waitFor('the call', () => calls > 0 && others > 0);
      end();
      const before = calls;
      others = 0;
      await storage.messages.commit(mail());
      await waitFor('the other call', () => others > 0);
      expect(calls).toBe(before);
      endOther();
    });
  });
}
