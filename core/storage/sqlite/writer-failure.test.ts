import { expect, it } from 'vitest';
import { mail } from '../../../tests/contract/mail.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { waitFor } from '../../../tests/support/wait-for.ts';
import { connectDeliveryStore } from './delivery-client.ts';
import { openTestStore } from './testing/test-store.ts';

it('tells everybody when the writer thread dies, and has what it acknowledged', async () => {
  await using folder = await temporaryFolder('writer-failure');
  const failures: string[] = [];
  const store = await openTestStore(folder.path, { onFailure: ({ code }) => failures.push(code) });
  const kept = mail();
  await store.messages.commit(kept);
  const relay = connectDeliveryStore(store.deliveryPort());
  const { signal } = new AbortController();
  const options = { limit: 1, worker: 'test', leaseMilliseconds: 45_000, signal };
  await relay.deliveries.claim(options);
  const waiting = relay.deliveries.claim(options);
  const gone = { code: 'STORE_UNAVAILABLE' };
  const outcome = expect(waiting).rejects.toMatchObject(gone);

  // No batch at all: the thread does not expect it and ends.
  store.deliveryPort().postMessage({});
  await waitFor('the failure', () => failures.length > 0);
  expect(failures).toEqual(['STORE_UNAVAILABLE']);
  await outcome;
  await expect(store.messages.commit(mail())).rejects.toMatchObject(gone);
  await expect(relay.deliveries.claim(options)).rejects.toMatchObject(gone);
  await expect(store.queueActions.act(kept.facts.id, { do: 'hold' })).rejects.toMatchObject(gone);
  await relay.close();
  await store.close();

  const again = await openTestStore(folder.path);
  expect(await again.mailLog.get(kept.facts.id)).not.toBeNull();
  await again.close();
});
