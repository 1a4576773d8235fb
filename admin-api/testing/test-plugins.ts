import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Seals } from '../../core/accounts/seals.ts';
import type { Environment } from '../../core/config/environment.ts';
import { loadConfiguration } from '../../core/config/load.ts';
import type { PluginOverlay } from '../../core/config/plugin-overlay.ts';
import type { Clock } from '../../core/domain/clock.ts';
import type { Logger } from '../../core/observability/log.ts';
import { createPluginLoader } from '../../core/pipeline/load-plugin.ts';
import { createPipelines } from '../../core/pipeline/registry.ts';
import { services } from '../../core/pipeline/services.ts';
import { fakeServices } from '../../core/pipeline/testing.ts';
import { configurationInForce } from '../../core/settings/configuration-in-force.ts';
import { PluginAdministration } from '../../core/settings/plugin-administration.ts';
import { MemoryBus } from '../../core/storage/memory/bus.ts';
import type { SettingsStore } from '../../core/storage/ports/settings.ts';

const shipped = {
  quota: () => import('../../plugins/quota/index.ts'),
  'domain-whitelist': () => import('../../plugins/domain-whitelist/index.ts'),
  delivery: () => import('../../plugins/delivery/index.ts'),
};
const file = `plugins:
  - use: domain-whitelist
  - use: quota
  - use: delivery
    config:
      upstreams:
        - { name: main, host: 192.0.2.1, username: me, password: of the file }
`;

/** Plugins that are really read, checked and started, on services in memory; nothing is listened on or sent. */
export async function testPlugins(options: {
  folder: string;
  settings: SettingsStore;
  secretsKey: string;
  clock: Clock;
  log: Logger;
  env: Environment;
}) {
  const { folder, settings, clock, log } = options;
  const path = join(folder, 'sluice.yaml');
  writeFileSync(path, file);
  const load = createPluginLoader({ shipped, folder });
  const pluginSchemas = async (use: string) => (await load(use)).config;
  const read = (overlay: PluginOverlay) =>
    loadConfiguration({
      path,
      env: { SLUICE_PLUGINS__QUOTA__TIME_ZONE: 'Europe/Berlin', ...options.env },
      cwd: folder,
      overlay,
      pluginSchemas,
    });
  const seals = new Seals(options.secretsKey);
  const pluginAdministration = await PluginAdministration.prepare({
    settings,
    sealing: seals,
    fingerprint: (text) => seals.fingerprint('settings', text),
    read,
    load,
    bus: new MemoryBus(log),
    clock,
  });
  const pipelines = await createPipelines({
    entries: pluginAdministration.plugins,
    role: 'smtp',
    services: new Map<symbol, unknown>([
      ...fakeServices(),
      [services.hostname, 'relay.test'],
      [services.upstreamBoard, { report: () => {} }],
    ]),
    log,
    load,
    listeners: ['relay'],
  });
  await pluginAdministration.started({
    apply: async (plugins, version) => {
      await pipelines.swap(plugins, version);
    },
    rehearse: (plugins) => pipelines.rehearse(plugins),
  });
  return {
    services: {
      pluginAdministration,
      configurationInForce: configurationInForce({
        started: pluginAdministration.loaded,
        plugins: pluginAdministration,
        schemas: pluginSchemas,
      }),
      hookOrder: () => pipelines.order('relay').map((one) => ({ listener: 'relay', ...one })),
    },
    close: () => pipelines.close(),
  };
}
