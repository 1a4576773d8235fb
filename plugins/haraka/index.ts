import { contractVersion, definePlugin, services } from '../../core/pipeline/plugin.ts';
import { configSchema } from './config.ts';

export const plugin = definePlugin({
  name: 'haraka',
  version: '1.0.0',
  contract: contractVersion,
  summary: 'Runs unmodified Haraka plugins as hooks',
  roles: ['smtp', 'worker'],
  config: configSchema,
  needs: {
    clock: services.clock,
    hostname: services.hostname,
    send: services.send,
    sessionControls: services.sessionControls,
  },
  // Nothing of Haraka is loaded where no bridge starts.
  init: async ({ services: { sessionControls: controls, ...given }, ...start }) =>
    (await import('./bridge.ts')).startBridge({ ...start, ...given, controls }),
});
