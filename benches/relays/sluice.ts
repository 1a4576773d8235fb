import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import sluicePackage from '../../package.json' with { type: 'json' };
import { createCredential, registerFirst } from '../../tests/support/api-client.ts';
import { launcher, startSluice } from '../../tests/support/process.ts';
import type { Relay } from './relay.ts';
import { sluiceConfiguration } from './sluice-configuration.ts';

export const sluice: Relay = {
  name: 'sluice',
  label: 'Sluice',
  difference: 'login, and all shipped plugins but the Haraka bridge',
  relays: true,
  missing: () => (existsSync(launcher) ? undefined : 'bin/sluice.js is not there'),
  prepare: async () => sluicePackage.version,
  start: async (setting) => {
    const folder = await mkdtemp(join(setting.folder, 'sluice-'));
    const running = await startSluice({ folder, configure: sluiceConfiguration(setting.upstream) });
    const account = await registerFirst(running.api);
    const { username, password } = await createCredential(account, { name: 'bench' });
    return {
      port: running.ports.smtp,
      pid: running.child.pid,
      login: { username, password },
      stop: async () => {
        await running.kill();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
};
