import type { ConfigInput } from '../../../core/config/schema.ts';

/** The configuration with all mail relayed to this port of 127.0.0.1, in clear. */
export const relayTo = (port: number, config: ConfigInput): ConfigInput => ({
  ...config,
  plugins: config.plugins.map((plugin) =>
    plugin.use === 'delivery'
      ? { ...plugin, config: { upstreams: [{ name: 'default', host: '127.0.0.1', port, tls: 'none' }] } }
      : plugin,
  ),
});

type Listener = NonNullable<ConfigInput['smtp']>['listeners'][number];

/** The configuration with each listener changed. */
export const withListeners = (config: ConfigInput, change: Partial<Listener>): ConfigInput => ({
  ...config,
  smtp: {
    ...config.smtp,
    listeners: (config.smtp?.listeners ?? []).map((listener) => ({ ...listener, ...change })),
  },
});
