import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLog } from '../../core/observability/log.ts';
import { openMongodbStore } from '../../core/storage/mongodb/store.ts';
import type { Page } from '../../core/storage/ports/accounts.ts';
import type { Blacklist } from '../../core/storage/ports/blacklist.ts';
import type { Events } from '../../core/storage/ports/events.ts';
import type { MailLog } from '../../core/storage/ports/mail-log.ts';
import type { SqliteStore } from '../../core/storage/sqlite/store.ts';
import { claimNow } from '../contract/mail.ts';
import { cleanEnvironment, runChild, startChild } from '../support/child.ts';
import { describeWith } from '../support/describe-with.ts';
import { type TestDatabase, testDatabase } from '../support/mongodb-database.ts';
import { startMongodbProxy } from '../support/mongodb-proxy.ts';
import { launcher } from '../support/process.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';
import { fillDataFolder, openFolder } from './support/full-data-folder.ts';

async function all<T>(list: (options: { after?: string; limit: number }) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const page: Page<T> = await list({ limit: 500, ...(after === undefined ? {} : { after }) });
    items.push(...page.items);
    after = page.next;
  }
  return items;
}

/** What both databases have to say the same of. */
type Told = Pick<SqliteStore, 'accounts' | 'apiAccess' | 'auditLog' | 'settings' | 'webhooks'> & {
  readonly mailLog: MailLog;
  readonly blacklist: Blacklist;
  readonly events: Events;
};

async function everything(store: Told) {
  const { mailLog, accounts, apiAccess, auditLog, blacklist, settings, webhooks, events } = store;
  const entries = await all((options) => mailLog.list({}, options));
  const bodies: Record<string, string | null> = {};
  const attempts: Record<string, unknown> = {};
  for (const { record } of entries) {
    if (!('acceptedAt' in record)) continue;
    const digest = createHash('sha256');
    let pieces = 0;
    for (let piece = await mailLog.readChunk(record.id, 0); piece !== null; pieces += 1) {
      digest.update(piece);
      piece = await mailLog.readChunk(record.id, pieces + 1);
    }
    bodies[record.id] = pieces === 0 ? null : digest.digest('hex');
    // Only this owner's mail was tried; to ask for each message is slow where an index is not used.
    if (record.ownerId === 'owner-2') attempts[record.id] = await mailLog.attempts(record.id);
  }
  return {
    entries: new Map(entries.map((entry) => [entry.record.id, entry])),
    bodies,
    attempts,
    conservation: await mailLog.conservation(),
    queueState: await mailLog.queueState(),
    statistics: await mailLog.statistics({ from: 0, until: Number.MAX_SAFE_INTEGER }),
    ofOwner: await mailLog.statistics({ ownerId: 'owner-2', from: 0, until: Number.MAX_SAFE_INTEGER }),
    users: await all((options) => accounts.listUsers(options)),
    credentials: await all((options) => accounts.listCredentials(options)),
    setup: await accounts.setupDone(),
    keys: await all((options) => apiAccess.listApiKeys(options)),
    audit: await all((options) => auditLog.list({}, options)),
    blacklist: await all((options) => blacklist.list({}, options)),
    settings: await all((options) => settings.list(options)),
    webhooks: await all((options) => webhooks.list(options)),
    events: (await events.list({}, { after: 0, limit: 100_000 })).events,
    bounds: await events.bounds(),
  };
}

describeWith(['mongodb'], 'sluice migrate', () => {
  let folder: TemporaryFolder;
  let test_: TestDatabase;
  let data: string;
  let config: string;
  beforeEach(async () => {
    folder = await temporaryFolder('migrate');
    test_ = await testDatabase();
    data = join(folder.path, 'data');
    config = join(folder.path, 'sluice.yaml');
    await writeFile(config, `mode: embedded\ndata_dir: ${data}\nplugins: []\n`);
  });
  afterEach(async () => {
    await test_.drop();
    await folder.remove();
  });

  const words = (...more: string[]) => [launcher, 'migrate', '--config', config, ...more];
  const env = () => cleanEnvironment({ MONGODB_URI: test_.uri });
  const run = (...more: string[]) => runChild(process.execPath, words(...more), { env: env(), timeout: 250_000 });
  const openCluster = () =>
    openMongodbStore({ uri: test_.uri, log: createLog({ level: 'silent' }), ambiguousDelay: 600_000, poll: 50 });

  /** Runs it until the database does not answer the nth command of a kind any more, and kills it there. */
  const killAt = async (command: 'insert' | 'find', nth: number): Promise<void> => {
    const address = new URL(test_.uri);
    await using proxy = await startMongodbProxy({ host: address.hostname, port: Number(address.port) });
    address.port = String(proxy.port);
    let seen = 0;
    proxy.meddle(({ name, collection }) => {
      if (name !== command || collection !== 'messages') return undefined;
      seen += 1;
      return seen >= nth ? 'silence' : undefined;
    });
    await using child = startChild(process.execPath, words(), { env: cleanEnvironment({ MONGODB_URI: `${address}` }) });
    await waitFor(`${command} number ${nth}`, () => seen >= nth || child.exit() !== undefined, {
      timeout: 120_000,
      detail: () => child.stderr(),
    });
    expect(await child.kill()).toEqual({ code: null, signal: 'SIGKILL' });
  };

  test('brings 10,000 messages in all states over, killed twice: nothing is lost and nothing doubled', async () => {
    await fillDataFolder(data, 10_000);
    // The first opening ends what was under way when the folder was last in use.
    await (await openFolder(data)).close();
    const store = await openFolder(data);
    const before = await everything(store);
    await store.close();
    expect(before.entries.size).toBeGreaterThan(10_000);
    expect(before.conservation.balanced).toBe(true);
    expect(Object.values(before.conservation.states)).not.toContain(0);

    await killAt('insert', 25);
    await expect(openFolder(data)).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(openCluster()).rejects.toMatchObject({ code: 'CONFLICT' });
    await killAt('find', 25);
    await expect(openCluster()).rejects.toMatchObject({ code: 'CONFLICT' });
    const { code, stdout, stderr } = await run('--json');
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({
      documents: { 'messages and refusals': before.entries.size, users: 20, events: before.events.length },
      conservation: before.conservation,
    });

    const cluster = await openCluster();
    try {
      const after = await everything(cluster);
      expect(after.entries.size).toBe(before.entries.size);
      for (const [id, entry] of before.entries) expect(after.entries.get(id)).toEqual(entry);
      const { entries: _, ...rest } = before;
      const { entries: __, ...same } = after;
      expect(same).toEqual(rest);
      expect(await cluster.keyValue('quota').get('a.b$c')).toEqual({ $set: { 'x.y': [1, null] } });
      const known = before.credentials.find(({ lastUsedAt }) => lastUsedAt !== null);
      expect(await cluster.accounts.knownAddress(known?.id ?? '', '192.0.2.7', 0)).toBe(true);
      const next = { fingerprint: 'next', expiresAt: Date.now() + 1_000 };
      expect(await cluster.apiAccess.refresh('second-3', next, Date.now())).toMatchObject({ outcome: 'rotated' });
      expect(await cluster.apiAccess.refresh('first-4', next, Date.now())).toMatchObject({ outcome: 'reused' });

      const due = [...before.entries.values()].flatMap(({ record }) =>
        'nextAt' in record && record.nextAt !== null && record.nextAt <= Date.now() - 1 ? [record.id] : [],
      );
      const claimed = (await claimNow(cluster.deliveries, 100)).map(({ record }) => record.id);
      expect(claimed).toHaveLength(100);
      expect(new Set(claimed).size).toBe(100);
      expect(due).toEqual(expect.arrayContaining(claimed));
    } finally {
      await cluster.close();
    }
    const again = await run();
    expect([again.code, again.stderr]).toEqual([65, expect.stringContaining('was migrated to')]);
    await expect(openFolder(data)).rejects.toMatchObject({ message: expect.stringContaining('start in cluster mode') });
  });

  test('can be given up before its end: the folder is as before, the database empty', async () => {
    await fillDataFolder(data, 500);
    await (await openFolder(data)).close();
    const store = await openFolder(data);
    const before = await everything(store);
    await store.close();
    await killAt('insert', 2);
    const given = await run('--abandon');
    expect([given.code, given.stderr]).toEqual([0, '']);
    const back = await openFolder(data);
    expect(await everything(back)).toEqual(before);
    await back.close();
    const cluster = await openCluster();
    expect(await cluster.accounts.setupDone()).toBe(false);
    await cluster.close();
    expect((await run('--abandon')).code).toBe(65);
  });

  test('takes no database that holds something, and no other key than that of the folder', async () => {
    await fillDataFolder(data, 500);
    const cluster = await openCluster();
    await cluster.settings.propose({
      number: 1,
      overlay: { plugins: {}, order: null },
      fingerprint: 'f',
      cause: 'start',
      author: null,
      at: 1,
    });
    await cluster.close();
    const full = await run();
    expect([full.code, full.stderr]).toEqual([65, expect.stringContaining('is not empty (settings)')]);
    await (await openFolder(data)).close();
    const secrets = { jwt_secret: 'j'.repeat(43), secrets_key: 'k'.repeat(43) };
    await writeFile(join(data, 'secrets.json'), JSON.stringify(secrets));
    const other = await runChild(process.execPath, words(), {
      env: { ...env(), SLUICE_SECRETS_KEY: 'o'.repeat(43) },
    });
    expect([other.code, other.stderr]).toEqual([78, expect.stringContaining('set SLUICE_SECRETS_KEY to that')]);
  });
});
