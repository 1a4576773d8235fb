import { expect, test } from 'vitest';
import { configSchema } from '../core/config/schema.ts';
import { upstreamSchema } from '../core/config/upstream-schema.ts';
import type { SluiceError } from '../core/domain/errors.ts';
import { createLog } from '../core/observability/log.ts';
import { openTestStore } from '../core/storage/sqlite/testing/test-store.ts';
import { upstreamSettings } from '../plugins/delivery/upstream-settings.ts';
import { temporaryFolder } from '../tests/support/temporary-folder.ts';
import { startRelay } from './relay.ts';

test('whoever asks something of a relay thread that ended is told so, before and after its end', async () => {
  await using folder = await temporaryFolder('relay');
  const store = await openTestStore(folder.path);
  const entries = (die: boolean) =>
    configSchema.parse({ plugins: [{ use: './testing/mortal-plugin.ts', config: { die } }] }).plugins;
  const failure = Promise.withResolvers<SluiceError>();
  const relay = await startRelay(
    {
      config: { ...configSchema.parse({ plugins: [] }), plugins: entries(false) },
      baseDir: import.meta.dirname,
      hostname: 'relay.test',
      deliveryPort: store.deliveryPort(),
    },
    { log: createLog({ level: 'silent' }), onFailure: failure.resolve },
  );
  await relay.swap(entries(false), 2);

  const ended = { code: 'INTERNAL', message: expect.stringContaining('relay thread ended') };
  await expect(relay.swap(entries(true), 3)).rejects.toMatchObject(ended);
  expect(await failure.promise).toMatchObject(ended);
  await expect(relay.swap(entries(false), 4)).rejects.toMatchObject(ended);
  await expect(relay.rehearse(entries(false))).rejects.toMatchObject(ended);
  const [settings] = upstreamSettings({ upstreams: [upstreamSchema.parse({ name: 'main', host: '192.0.2.1' })] });
  if (settings?.type !== 'smtp') throw new RangeError('no smtp upstream');
  await expect(relay.testConnection({ settings, networks: null })).rejects.toMatchObject(ended);
  expect(await relay.numbers()).toMatchObject({ hooks: [], deliveries: [] });
  await relay.stop(1_000);
  await store.close();
});
