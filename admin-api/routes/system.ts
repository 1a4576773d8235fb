import type { HealthSource } from '../../core/observability/health.ts';
import type { ConfigurationInForce } from '../../core/settings/configuration-in-force.ts';
import type { PluginAdministration } from '../../core/settings/plugin-administration.ts';
import type { MailLog } from '../../core/storage/ports/mail-log.ts';
import { bind, defineRoute } from '../route.ts';
import {
  configurationSchema,
  configurationView,
  conservationSchema,
  conservationView,
  processView,
  type ShownProcess,
  systemSchema,
} from './system-view.ts';

const tag = 'system';

export const getSystem = defineRoute({
  id: 'getSystem',
  method: 'GET',
  path: '/api/system',
  tag,
  summary: 'Version, mode and processes',
  security: 'admin',
  scope: 'admin',
  answers: { 200: { description: 'What runs', schema: systemSchema } },
});

export const getConfiguration = defineRoute({
  id: 'getConfiguration',
  method: 'GET',
  path: '/api/system/configuration',
  tag,
  summary: 'The configuration in force: each value with where it comes from, secrets hidden',
  security: 'admin',
  scope: 'admin',
  answers: { 200: { description: 'Every setting', schema: configurationSchema } },
});

export const getConservation = defineRoute({
  id: 'getConservation',
  method: 'GET',
  path: '/api/system/conservation',
  tag,
  summary: 'Is every accepted recipient accounted for?',
  security: 'admin',
  answers: { 200: { description: 'The sum', schema: conservationSchema } },
});

export const systemRoutes = [getSystem, getConfiguration, getConservation];

export interface SystemServices {
  readonly version: string;
  readonly mode: 'embedded' | 'cluster';
  readonly health: HealthSource;
  readonly pluginAdministration: Pick<PluginAdministration, 'version'>;
  /** The processes that make up this Sluice, this one included. */
  readonly processes: () => Promise<readonly ShownProcess[]>;
  readonly configurationInForce: () => Promise<ConfigurationInForce>;
}

export function bindConservation({ mailLog }: { mailLog: Pick<MailLog, 'conservation'> }) {
  return [bind(getConservation)(async () => ({ status: 200, body: conservationView(await mailLog.conservation()) }))];
}

export function bindSystem(services: SystemServices) {
  const { version, mode, health, pluginAdministration, processes, configurationInForce } = services;
  return [
    bind(getSystem)(async () => {
      const { startedAt } = await health.report();
      const body = {
        version,
        node: process.version,
        mode,
        started_at: new Date(startedAt).toISOString(),
        settings_version: pluginAdministration.version,
        processes: (await processes()).map(processView),
      };
      return { status: 200, body };
    }),

    bind(getConfiguration)(async () => ({ status: 200, body: configurationView(await configurationInForce()) })),
  ];
}
