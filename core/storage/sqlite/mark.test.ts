import { cp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mail } from '../../../tests/contract/mail.ts';
import { type TemporaryFolder, temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import type { SqliteStoreOptions } from './store.ts';
import { openTestStore } from './testing/test-store.ts';

describe('the mark beside the database', () => {
  let folder: TemporaryFolder;
  /** What the disk holds after a crash: the files of a running store, copied between two commits. */
  let crashed: string;
  let ids: string[];

  beforeEach(async () => {
    folder = await temporaryFolder('mark');
    const store = await openTestStore(join(folder.path, 'running'));
    ids = [];
    for (let n = 0; n < 5; n += 1) {
      const message = mail();
      await store.messages.commit(message);
      ids.push(message.facts.id);
    }
    crashed = join(folder.path, 'crashed');
    await cp(join(folder.path, 'running'), crashed, { recursive: true });
    await store.close();
  });
  afterEach(() => folder.remove());

  const open = async (change: Partial<SqliteStoreOptions> = {}): Promise<{ warnings: string[]; kept: number }> => {
    const warnings: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => warnings.push(JSON.parse(line).msg) });
    const store = await openTestStore(crashed, { log, ...change });
    const entries = await Promise.all(ids.map((id) => store.mailLog.get(id)));
    await store.close();
    return { warnings, kept: entries.filter((entry) => entry !== null).length };
  };
  const cutTail = async (): Promise<void> => {
    const wal = join(crashed, 'sluice.db-wal');
    await truncate(wal, (await stat(wal)).size - 4_096);
  };

  it('says nothing where everything is there', async () => {
    expect(await open()).toEqual({ warnings: [], kept: 5 });
    expect(await open()).toEqual({ warnings: [], kept: 5 });
  });

  it('refuses a start with less than was accepted, tells how to accept the loss, and then goes on for good', async () => {
    await cutTail();
    const refused = { code: 'STORE_CORRUPT', message: expect.stringContaining('--accept-loss') };
    await expect(open()).rejects.toMatchObject(refused);
    await expect(open()).rejects.toMatchObject(refused);
    expect(await open({ acceptLoss: true })).toEqual({ warnings: [expect.stringContaining('commits')], kept: 4 });
    expect(await open()).toEqual({ warnings: [], kept: 4 });
  });

  it('refuses a database that went missing, and one that was put in its place', async () => {
    const files = ['sluice.db', 'sluice.db-wal', 'sluice.db-shm'].map((name) => join(crashed, name));
    await Promise.all(files.map((file) => rm(file)));
    const refused = { code: 'STORE_CORRUPT', message: expect.stringContaining('not the one that was used here') };
    await expect(open()).rejects.toMatchObject(refused);
    await expect(open()).rejects.toMatchObject(refused);
    expect((await open({ acceptLoss: true })).kept).toBe(0);
  });

  it('warns where it is damaged or missing', async () => {
    const mark = join(crashed, 'accepted.mark');
    await writeFile(mark, Buffer.alloc(32, 1));
    expect(await open()).toEqual({ warnings: [expect.stringContaining('damaged')], kept: 5 });
    await rm(mark);
    expect(await open()).toEqual({ warnings: [expect.stringContaining('missing')], kept: 5 });
    expect(await open()).toEqual({ warnings: [], kept: 5 });
  });
});
