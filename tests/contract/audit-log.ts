import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../core/storage/ports/audit-log.ts';
import type { OpenStorage, Storage } from './storage.ts';

/** An entry of the audit log. */
export const auditEntry = (change: Partial<AuditEntry> = {}): AuditEntry => ({
  id: uuidv7(),
  at: 1_000,
  actor: { kind: 'control-socket' },
  address: null,
  requestId: null,
  action: 'user.change',
  subject: { kind: 'user', id: uuidv7() },
  before: { enabled: true },
  after: { enabled: false },
  ...change,
});

/** What every adapter of `AuditLog` has to do. */
export function describeAuditLog(name: string, open: OpenStorage): void {
  describe(`${name} as the audit log`, () => {
    let storage: Storage;
    beforeAll(async () => {
      storage = await open();
    });
    afterAll(() => storage.close());

    it('keeps entries as they are, across a restart, the newest first', async () => {
      const own = await open();
      const entries = [
        auditEntry({ actor: { kind: 'user', userId: 'anna' }, address: '192.0.2.1', requestId: uuidv7() }),
        auditEntry({ actor: { kind: 'api-key', userId: 'anna', keyId: 'key' }, before: null }),
        auditEntry({ actor: { kind: 'system' }, after: null }),
      ];
      for (const entry of entries) await own.auditLog.append(entry);
      const again = await own.reopen();
      const page = await again.auditLog.list({}, { limit: 10 });
      expect(page).toEqual({ items: entries.toReversed(), next: null });
      await again.close();
    });

    it('gives page after page without gap or double', async () => {
      const subject = { kind: 'page', id: uuidv7() };
      const entries = Array.from({ length: 5 }, () => auditEntry({ subject }));
      for (const entry of entries) await storage.auditLog.append(entry);
      const first = await storage.auditLog.list({ subjectKind: 'page' }, { limit: 3 });
      expect(first.next).not.toBeNull();
      const rest = await storage.auditLog.list({ subjectKind: 'page' }, { limit: 3, after: first.next ?? '' });
      expect([...first.items, ...rest.items]).toEqual(entries.toReversed());
      expect(rest.next).toBeNull();
    });

    it('filters by who, what, which and when, all together', async () => {
      const userId = uuidv7();
      const wanted = auditEntry({ actor: { kind: 'api-key', userId, keyId: 'k' }, action: 'x.change', at: 5_000 });
      const others = [
        auditEntry({ actor: { kind: 'user', userId }, at: 5_000 }),
        auditEntry({ actor: { kind: 'user', userId: uuidv7() }, action: 'x.change', at: 5_000 }),
        auditEntry({ actor: { kind: 'user', userId }, action: 'x.change', at: 4_999 }),
        auditEntry({ actor: { kind: 'user', userId }, action: 'x.change', at: 6_000 }),
      ];
      for (const entry of [...others, wanted]) await storage.auditLog.append(entry);
      const page = await storage.auditLog.list(
        { userId, action: 'x.change', from: 5_000, until: 6_000 },
        { limit: 10 },
      );
      expect(page.items).toEqual([wanted]);
      const { kind, id } = wanted.subject;
      const bySubject = await storage.auditLog.list({ subjectKind: kind, subjectId: id }, { limit: 10 });
      expect(bySubject.items).toEqual([wanted]);
    });
  });
}
