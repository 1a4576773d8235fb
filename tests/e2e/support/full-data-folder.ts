import { createHash, randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { type Attempt, finalStates, type RecipientRecord } from '../../../core/domain/message.ts';
import { createLog } from '../../../core/observability/log.ts';
import type { MessageStore } from '../../../core/storage/ports/message-store.ts';
import { connectDeliveryStore } from '../../../core/storage/sqlite/delivery-client.ts';
import { openSqliteStore, type SqliteStore } from '../../../core/storage/sqlite/store.ts';
import { auditEntry } from '../../contract/audit-log.ts';
import { claim, deferred, finished, mail, recipient, refusal } from '../../contract/mail.ts';

export const openFolder = (folder: string): Promise<SqliteStore> =>
  openSqliteStore({
    folder,
    log: createLog({ level: 'silent' }),
    ambiguousDelay: 600_000,
    freeSpace: 0,
    reserve: 0,
    unwritten: 256 * 1024 * 1024,
    retention: { captured: 86_400_000, log: 86_400_000, receiving: 600_000 },
    sweep: 3_600_000,
  });

const hour = 3_600_000;

/** Recipients in every state, alone and together. */
function recipientsOf(n: number): RecipientRecord[] {
  const one = (name: string) => recipient(`${name}${n}@${n % 7}.example`);
  const kinds: (() => RecipientRecord[])[] = [
    () => [one('now')],
    () => [{ ...one('later'), nextAt: Date.now() + hour }],
    () => [deferred(one('again'), Date.now() - 1)],
    () => [{ ...deferred(one('waits'), Date.now() + hour), postponed: true }],
    () => [{ ...one('held'), state: 'held', nextAt: null }],
    ...finalStates.map((state) => () => [finished(one(state), state)]),
    () => [
      finished(one('done')),
      deferred(one('late'), Date.now() + hour),
      { ...one('held'), state: 'held', nextAt: null },
    ],
  ];
  return kinds[n % kinds.length]?.() ?? [];
}

/** A body of several pieces. */
async function commitLarge(messages: MessageStore, n: number): Promise<void> {
  const pieces = [randomBytes(256 * 1024), randomBytes(256 * 1024), randomBytes(1_000 + n)];
  const digest = createHash('sha256');
  for (const piece of pieces) digest.update(piece);
  const size = pieces.reduce((sum, { length }) => sum + length, 0);
  const whole = mail({ facts: { size, sha256: digest.digest('hex') }, recipients: recipientsOf(n) });
  await messages.beginBody(whole.facts.id);
  for (const [place, piece] of pieces.entries()) await messages.writeChunk(whole.facts.id, place, piece);
  await messages.commit({ ...whole, body: { kind: 'chunks', count: pieces.length } });
}

const attempt = (messageId: string, address: string): Attempt => ({
  messageId,
  at: Date.now(),
  upstream: 'default',
  host: '192.0.2.1:25',
  phase: 'rcpt',
  tls: 'TLSv1.3',
  milliseconds: 12,
  ambiguous: false,
  results: [{ recipient: address, state: 'deferred', reply: '450 4.2.0 later' }],
});

/** Mail with more attempts than a record holds, and some that was being sent when the process ended. */
async function tryAndCrash(store: SqliteStore): Promise<void> {
  const worker = connectDeliveryStore(store.deliveryPort());
  for (let n = 0; n < 30; n += 1) await store.messages.commit(mail({ facts: { ownerId: 'owner-2' } }));
  for (let round = 0; round < 8; round += 1) {
    for (const { record, lease } of await claim(worker.deliveries, 20)) {
      const tried = record.recipients.map((one, index) => ({ index, recipient: deferred(one, Date.now() - 1) }));
      const attempts = [attempt(record.id, record.recipients[0]?.address ?? '')];
      await worker.deliveries.settle({ lease, recipients: tried, attempts, generated: [], release: true });
    }
  }
  await claim(worker.deliveries, 25);
  await store.close();
  await worker.close();
}

async function addAccounts({ accounts, apiAccess }: SqliteStore): Promise<void> {
  for (let n = 0; n < 20; n += 1) {
    const id = uuidv7();
    const common = { enabled: n % 3 > 0, createdAt: n, updatedAt: n, deletedAt: n % 5 === 0 ? n : null };
    const quotas = { dailyQuota: null, hourlyQuota: n, domains: [`${n}.example`] };
    const password = { kind: 'argon2id', phc: '$argon2id$x' } as const;
    await accounts.insertUser(
      { id, username: `User-${n}`, email: `${n}@Example.com`, role: 'user', password, ...quotas, ...common },
      auditEntry(),
    );
    if (n === 7) await accounts.claimSetup(id, 9);
    const credential = { id: uuidv7(), ownerId: id, name: `Credential ${n}`, username: `relay_${n}`, ...common };
    const secret = { kind: 'hmac-sha256', salt: 's', hash: 'h' } as const;
    const limits = { ...quotas, overLimit: 'defer', networks: [], lastUsedAt: null } as const;
    await accounts.insertCredential({ ...credential, secret, ...limits });
    if (n % 2 === 0) accounts.touchCredential(credential.id, 5_000 + n, '192.0.2.7');
    const times = { createdAt: 1, revokedAt: null, lastUsedAt: 1 };
    const session = {
      id: uuidv7(),
      userId: id,
      expiresAt: Date.now() + hour,
      address: null,
      userAgent: null,
      ...times,
    };
    const token = (name: string) => ({ fingerprint: `${name}-${n}`, expiresAt: Date.now() + hour });
    await apiAccess.startSession(session, token('first'));
    await apiAccess.refresh(`first-${n}`, token('second'), Date.now());
    const key = { ownerId: id, name: 'k', hint: 'h', scopes: ['mail:read'], createdAt: 1, expiresAt: null };
    await apiAccess.insertApiKey({ id: uuidv7(), fingerprint: `key-${n}`, revokedAt: null, lastUsedAt: null, ...key });
  }
}

async function addSettings({ settings, blacklist, keyValue, idempotency, webhooks }: SqliteStore): Promise<void> {
  const version = {
    overlay: { plugins: {}, order: null },
    fingerprint: 'f',
    author: null,
    at: 1,
    cause: 'change',
  } as const;
  for (const number of [1, 2, 3]) {
    await settings.propose({ ...version, number });
    if (number < 3) await settings.accept(number);
  }
  await settings.reject(3, 'no');
  for (let n = 0; n < 50; n += 1) {
    const times = { createdAt: n, updatedAt: n, expiresAt: n % 2 === 0 ? null : Date.now() + hour };
    await blacklist.put({ id: uuidv7(), network: `192.0.2.${n}/32`, reason: `${n}`, source: 'manual', ...times });
  }
  await keyValue('quota').set('a.b$c', { $set: { 'x.y': [1, null] } });
  await keyValue('auth').set('gone', 1, Date.now() + hour);
  await idempotency.begin('key', 'digest', 1, Date.now() + hour);
  await idempotency.finish('key', 'answer');
  for (let n = 0; n < 3; n += 1) {
    const webhook = { ownerId: 'owner-1', name: `${n}`, url: 'https://hooks.example/', allOwners: false, types: [] };
    const more = {
      secrets: [{ sealed: 's', until: null }],
      enabled: true,
      disabledReason: null,
      createdAt: 1,
      updatedAt: 1,
    };
    const state = {
      position: n,
      lastSuccessAt: null,
      lastFailure: null,
      failures: 0,
      failingSince: null,
      nextAt: null,
    };
    await webhooks.insert({ webhook: { id: uuidv7(), ...webhook, ...more }, state }, { most: 10 });
  }
}

/** A data folder in which a bit of everything is, and `count` messages in all states. */
export async function fillDataFolder(folder: string, count: number): Promise<void> {
  const store = await openFolder(folder);
  await addAccounts(store);
  await addSettings(store);
  for (let n = 0; n < count; n += 500) {
    await Promise.all(
      Array.from({ length: 500 }, (_, i) => {
        const facts = (n + i) % 20 === 0 ? { origin: 'bounce' as const, sender: '', credentialId: null } : {};
        return store.messages.commit(mail({ facts, recipients: recipientsOf(n + i) }));
      }),
    );
    store.messages.recordRefusal(refusal());
    await commitLarge(store.messages, n / 500);
  }
  await tryAndCrash(store);
}
