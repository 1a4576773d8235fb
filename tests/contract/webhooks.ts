import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoredWebhook, Webhook, Webhooks } from '../../core/storage/ports/webhooks.ts';
import { auditEntry } from './audit-log.ts';
import type { Storage } from './storage.ts';

export interface WebhookStorage extends Storage {
  readonly webhooks: Webhooks;
  reopen(): Promise<WebhookStorage>;
}

const stored = (change: Partial<Webhook> = {}): StoredWebhook => ({
  webhook: {
    id: uuidv7(),
    ownerId: uuidv7(),
    name: 'shop',
    url: 'https://hooks.example/sluice',
    allOwners: false,
    types: ['delivered', 'bounced'],
    secrets: [{ sealed: 'sealed', until: null }],
    enabled: true,
    disabledReason: null,
    createdAt: 1_000,
    updatedAt: 1_000,
    ...change,
  },
  state: { position: 5, lastSuccessAt: null, lastFailure: null, failures: 0, failingSince: null, nextAt: null },
});

/** What every adapter of `Webhooks` has to do. */
export function describeWebhooks(name: string, open: () => Promise<WebhookStorage>): void {
  describe(`${name} as the store of webhooks`, () => {
    let storage: WebhookStorage;
    beforeAll(async () => {
      storage = await open();
    });
    afterAll(() => storage.close());

    const inserted = async (change: Partial<Webhook> = {}): Promise<StoredWebhook> => {
      const one = stored(change);
      expect(await storage.webhooks.insert(one, { most: 100 })).toBe(true);
      return one;
    };
    const auditOf = async (subjectId: string) =>
      (await storage.auditLog.list({ subjectId }, { limit: 10 })).items.map(({ action }) => action);
    const entry = (id: string, action: string) => auditEntry({ action, subject: { kind: 'webhook', id } });

    it('keeps them as they are, across a restart', async () => {
      const one = await inserted();
      storage = await storage.reopen();
      expect(await storage.webhooks.get(one.webhook.id)).toEqual(one);
      expect(await storage.webhooks.get(uuidv7())).toBeNull();
    });

    it('lets nobody have more than the given number, however many are made at once', async () => {
      const ownerId = uuidv7();
      const made = await Promise.all(
        Array.from({ length: 8 }, () => storage.webhooks.insert(stored({ ownerId }), { most: 3 })),
      );
      expect(made.filter((one) => one)).toHaveLength(3);
      expect((await storage.webhooks.list({ ownerId, limit: 10 })).items).toHaveLength(3);
    });

    it('lists page after page, all or those of one owner, also when the last one shown is gone', async () => {
      const ownerId = uuidv7();
      const all: StoredWebhook[] = [];
      for (let n = 0; n < 3; n += 1) all.push(await inserted({ ownerId }));
      const first = await storage.webhooks.list({ ownerId, limit: 2 });
      expect(first.items).toEqual(all.slice(0, 2));
      await storage.webhooks.remove(first.items[1]?.webhook.id ?? '');
      const rest = await storage.webhooks.list({ ownerId, limit: 2, after: first.next ?? '' });
      expect(rest).toEqual({ items: all.slice(2), next: null });
      const everybody = await storage.webhooks.list({ limit: 100 });
      expect(everybody.items.length).toBeGreaterThan(2);
    });

    it('changes the version that is meant, as a later one, with its audit entry or not at all', async () => {
      const { webhook, state } = await inserted();
      const { id } = webhook;
      const change = { name: 'blog', updatedAt: 900 };
      const audit = entry(id, 'webhook.change');
      expect(await storage.webhooks.update(id, change, { ifUpdatedAt: 1_000, audit })).toBe(true);
      expect(await storage.webhooks.get(id)).toEqual({
        webhook: { ...webhook, name: 'blog', updatedAt: 1_001 },
        state,
      });
      const stale = storage.webhooks.update(id, change, { ifUpdatedAt: 1_000, audit: entry(id, 'webhook.change') });
      await expect(stale).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
      expect(await auditOf(id)).toEqual(['webhook.change']);
      expect(await storage.webhooks.update(uuidv7(), { name: 'x' })).toBe(false);
    });

    it('removes for good, with its audit entry', async () => {
      const { webhook } = await inserted();
      const audit = entry(webhook.id, 'webhook.delete');
      expect(await storage.webhooks.remove(webhook.id, audit)).toBe(true);
      expect(await storage.webhooks.remove(webhook.id, audit)).toBe(false);
      expect(await storage.webhooks.get(webhook.id)).toBeNull();
      expect(await auditOf(webhook.id)).toEqual(['webhook.delete']);
    });

    it('tells which are on', async () => {
      const on = await inserted();
      const off = await inserted({ enabled: false });
      const ids = (await storage.webhooks.enabled()).map(({ webhook }) => webhook.id);
      expect(ids).toContain(on.webhook.id);
      expect(ids).not.toContain(off.webhook.id);
    });

    it('gives the right to deliver to one at a time', async () => {
      const one = await inserted();
      const { id } = one.webhook;
      const { webhooks } = storage;
      const held = await Promise.all(['a', 'b', 'c', 'd'].map((holder) => webhooks.hold(id, holder, 1_000, 2_000)));
      expect(held.filter((answer) => answer !== null)).toEqual([one]);
      const holder = ['a', 'b', 'c', 'd'][held.findIndex((answer) => answer !== null)] ?? '';
      expect(await webhooks.hold(id, holder, 1_500, 3_000)).toEqual(one);
      expect(await webhooks.hold(id, 'late', 2_500, 4_000)).toBeNull();
      const state = { ...one.state, position: 9, lastSuccessAt: 2_600 };
      expect(await webhooks.saveState(id, 'late', state)).toBe(false);
      expect(await webhooks.saveState(id, holder, state)).toBe(true);
      expect(await webhooks.hold(id, 'late', 3_000, 4_000)).toEqual({ ...one, state });
      expect(await webhooks.saveState(id, holder, one.state)).toBe(false);
      await webhooks.release(id, holder);
      expect(await webhooks.hold(id, 'next', 3_500, 5_000)).toBeNull();
      await webhooks.release(id, 'late');
      expect(await webhooks.hold(id, 'next', 3_500, 5_000)).toEqual({ ...one, state });
    });

    it('does not count deliveries as changes, and starts anew where it is told to', async () => {
      const { webhook, state } = await inserted();
      const { id } = webhook;
      await storage.webhooks.hold(id, 'me', 0, 1_000);
      const failing = {
        ...state,
        failures: 3,
        failingSince: 10,
        nextAt: 20,
        lastFailure: { at: 12, reason: 'HTTP 500' },
      };
      await storage.webhooks.saveState(id, 'me', failing);
      expect(await storage.webhooks.get(id)).toEqual({ webhook, state: failing });
      await storage.webhooks.update(id, { enabled: false, disabledReason: 'failing', updatedAt: 2_000 });
      expect(await storage.webhooks.hold(id, 'me', 0, 1_000)).toBeNull();
      await storage.webhooks.update(id, { enabled: true, disabledReason: null, updatedAt: 3_000 }, { state });
      expect(await storage.webhooks.get(id)).toEqual({ webhook: { ...webhook, updatedAt: 3_000 }, state });
    });
  });
}
