import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { openTestStore } from './testing/test-store.ts';

it('closes once, however often and by how many it is closed', async () => {
  await using folder = await temporaryFolder('store');
  const store = await openTestStore(folder.path);
  await Promise.all([store.close(), store.close()]);
  // The folder is free for the next one, and stays its own.
  const next = await openTestStore(folder.path);
  await store.close();
  await expect(openTestStore(folder.path)).rejects.toMatchObject({ code: 'DATA_DIRECTORY_LOCKED' });
  await next.close();
});
