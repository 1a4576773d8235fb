import { expect, it } from 'vitest';
import { waitFor } from '../../../tests/support/wait-for.ts';
import { createLog } from '../../observability/log.ts';
import { SerialLoader } from './serial-loader.ts';

const log = createLog({ level: 'silent' });

it('never lets an older load overwrite a newer one', async () => {
  const loader = new SerialLoader(log, 'things');
  const slow = Promise.withResolvers<void>();
  let value = '';
  void loader.load(async () => {
    await slow.promise;
    value = 'old';
  });
  const newer = loader.load(async () => {
    value = 'new';
  });
  slow.resolve();
  await newer;
  expect(value).toBe('new');
});

it('goes on after a load that failed', async () => {
  const loader = new SerialLoader(log, 'things');
  let loaded = false;
  await loader.load(() => Promise.reject(new Error('gone')));
  await loader.load(async () => {
    loaded = true;
  });
  expect(loaded).toBe(true);
});

it('polls until it is closed, and then waits for the last load', async () => {
  const loader = new SerialLoader(log, 'things');
  let begun = 0;
  let ended = 0;
  loader.poll(async () => {
    begun += 1;
    await Promise.resolve();
    ended += 1;
  }, 1);
  await waitFor('three loads', () => ended >= 3);
  await loader.close();
  const last = begun;
  expect(ended).toBe(last);
  await loader.load(async () => {
    begun += 1;
  });
  expect(begun).toBe(last);
});
