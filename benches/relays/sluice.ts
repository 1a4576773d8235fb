import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import sluicePackage from '../../package.json' with { type: 'json' };
import { createCredential, registerFirst } from '../../tests/support/api-client.ts';
import { launcher, startSluice } from '../../tests/support/process.ts';
import type { SluiceRelay } from './relay.ts';
import { seedEmbedded } from './seed-queue.ts';
import { sluiceConfiguration } from './sluice-configuration.ts';

export const sluice: SluiceRelay = {
  name: 'sluice',
  label: 'Sluice',
  difference: 'login, and all shipped plugins but the Haraka bridge',
  relays: true,
  share: 1,
  flushes: true,
  large: 100,
  waiting: 1_000_000,
  missing: () => (existsSync(launcher) ? undefined : 'bin/sluice.js is not there'),
  prepare: async () => sluicePackage.version,
  start: async (setting) => {
    const folder = await mkdtemp(join(setting.folder, 'sluice-'));
    const configure = sluiceConfiguration(setting.upstream);
    const running = await startSluice({ folder, configure, startTimeout: 120_000 });
    const account = await registerFirst(running.api);
    const { username, password } = await createCredential(account, { name: 'bench' });
    return {
      port: running.ports.smtp,
      get pids() {
        return [running.child.pid];
      },
      login: { username, password },
      end: async () => {
        await running.terminate();
      },
      seed: (messages) => seedEmbedded(running.dataFolder, messages),
      startAgain: running.start,
      stop: async () => {
        await running.kill();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
};
