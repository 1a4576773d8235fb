import { rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startChild } from '../../../tests/support/child.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { waitFor } from '../../../tests/support/wait-for.ts';
import { lockFolder } from './lock.ts';
import { openTestStore } from './testing/test-store.ts';

const script = fileURLToPath(new URL('./testing/commit-child.ts', import.meta.url));

it('lets one process in, names it to the next one, and lets go when it is killed', async () => {
  await using folder = await temporaryFolder('lock');
  await using child = startChild(process.execPath, [script, folder.path]);
  await waitFor('the child', () => child.stdout().startsWith('ready'), { timeout: 30_000, detail: child.stderr });
  await expect(openTestStore(folder.path)).rejects.toMatchObject({
    code: 'DATA_DIRECTORY_LOCKED',
    message: expect.stringContaining(`process ${child.pid} uses the data folder ${folder.path}`),
  });
  await child.kill();
  const store = await openTestStore(folder.path);
  await store.close();
});

it('lets nobody of the same process in twice', async () => {
  await using folder = await temporaryFolder('lock');
  const lock = lockFolder(folder.path);
  expect(() => lockFolder(folder.path)).toThrow(expect.objectContaining({ code: 'DATA_DIRECTORY_LOCKED' }));
  lock.release();
  lockFolder(folder.path).release();
});

it('lets go when the database cannot be opened', async () => {
  await using folder = await temporaryFolder('lock');
  const refusal = { code: 'STORE_CORRUPT' };
  await writeFile(`${folder.path}/sluice.db`, 'this is no database, however long it may be'.repeat(100));
  await expect(openTestStore(folder.path)).rejects.toMatchObject(refusal);
  await expect(openTestStore(folder.path)).rejects.toMatchObject(refusal);
  await rm(`${folder.path}/sluice.db`);
  await (await openTestStore(folder.path)).close();
});
