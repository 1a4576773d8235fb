import type { ConfigInput } from '../../core/config/schema.ts';

const unlimited = { limit: 1_000_000_000, window: '1m' };

/** What each shipped plugin is told where its default would stop a load on purpose. */
const pluginSettings = (upstream: number): Readonly<Record<string, Record<string, unknown>>> => ({
  'rate-limit': { address: { connections: unlimited } },
  delivery: { upstreams: [{ name: 'default', host: '127.0.0.1', port: upstream, tls: 'none' }] },
});

/** The default configuration of a test process, with login in clear allowed and `upstream` (a port) as the way out. */
export const sluiceConfiguration =
  (upstream: number) =>
  (config: ConfigInput): ConfigInput => {
    const settings = pluginSettings(upstream);
    return {
      ...config,
      log: { level: 'warn' },
      smtp: {
        ...config.smtp,
        listeners: (config.smtp?.listeners ?? []).map((listener) => ({ ...listener, auth_without_tls: true })),
      },
      plugins: config.plugins.map((plugin) => {
        const given = settings[plugin.use];
        return given === undefined ? plugin : { ...plugin, config: given };
      }),
    };
  };
