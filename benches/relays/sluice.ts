import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfigInput } from '../../core/config/schema.ts';
import sluicePackage from '../../package.json' with { type: 'json' };
import { createCredential, registerFirst } from '../../tests/support/api-client.ts';
import { launcher, startSluice } from '../../tests/support/process.ts';
import { comparedPlugins, harakaPackages, installHaraka } from './haraka-package.ts';
import type { SluiceRelay } from './relay.ts';
import { seedEmbedded } from './seed-queue.ts';
import { sluiceConfiguration } from './sluice-configuration.ts';

/** `change` is told the configuration of the run and its folder, in which it may write. */
type Change = (config: ConfigInput, folder: string) => ConfigInput;

const sluiceWith = (
  facts: Pick<SluiceRelay, 'name' | 'label' | 'difference' | 'share' | 'prepare'>,
  change: Change = (config) => config,
): SluiceRelay => ({
  ...facts,
  relays: true,
  flushes: true,
  large: 100,
  waiting: 1_000_000,
  missing: () => (existsSync(launcher) ? undefined : 'bin/sluice.js is not there'),
  start: async (setting) => {
    const folder = await mkdtemp(join(setting.folder, 'sluice-'));
    const shipped = sluiceConfiguration(setting.upstream);
    const configure = (config: ConfigInput) => change(shipped(config), folder);
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
});

export const sluice = sluiceWith({
  name: 'sluice',
  label: 'Sluice',
  difference: 'login, and all shipped plugins but the Haraka bridge',
  share: 1,
  prepare: async () => sluicePackage.version,
});

/** A Haraka installation for the bridge, with the plugins that Haraka runs beside it. */
const addBridge: Change = (config, folder) => {
  const home = join(folder, 'haraka');
  mkdirSync(join(home, 'config'), { recursive: true });
  symlinkSync(harakaPackages, join(home, 'node_modules'));
  const bridge = { use: 'haraka', config: { config_dir: home, plugins: [...comparedPlugins] } };
  return { ...config, plugins: [...config.plugins.slice(0, -1), bridge, ...config.plugins.slice(-1)] };
};

export const sluiceWithBridge = sluiceWith(
  {
    name: 'sluice-haraka',
    label: 'Sluice, with the Haraka bridge',
    difference: `all shipped plugins, the bridge with ${comparedPlugins.join(', ')} among them`,
    share: 0.5,
    prepare: async () => `${sluicePackage.version}, plugins of Haraka ${await installHaraka()}`,
  },
  addBridge,
);
