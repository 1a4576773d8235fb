import { type NamedSetting, nodeAt, type PluginNodes } from './environment-names.ts';
import type { SchemaNode } from './schema-node.ts';
import { entryKeys, isRecord } from './setting-path.ts';

/** Names of the service that Sluice re-creates which point into lists; the others stand in the schema as `env`. */
export const upstreamNames = {
  UPSTREAM_SMTP_HOST: 'host',
  UPSTREAM_SMTP_PORT: 'port',
  UPSTREAM_SMTP_USERNAME: 'username',
  UPSTREAM_SMTP_PASSWORD: 'password',
  UPSTREAM_SMTP_TLS: 'tls',
} as const;

export const smtpPortName = 'SMTP_PORT';

const entriesOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** `SMTP_PORT` is the first listener's port; `UPSTREAM_SMTP_*` the upstream `default` of the plugin `delivery`. */
export function originalNames(root: SchemaNode, value: unknown, plugins: PluginNodes): Map<string, NamedSetting> {
  const names = new Map<string, NamedSetting>();
  const top = isRecord(value) ? value : {};

  const smtp = isRecord(top.smtp) ? top.smtp : root.properties?.smtp?.default;
  const listener = entryKeys(entriesOf(isRecord(smtp) ? smtp.listeners : undefined))[0];
  if (listener !== undefined) {
    const path = ['smtp', 'listeners', listener, 'port'];
    names.set(smtpPortName, { path, node: nodeAt(root, path) ?? {} });
  }

  const entries = entriesOf(top.plugins);
  const delivery = entries.findIndex((entry) => isRecord(entry) && entry.use === 'delivery');
  const id = entryKeys(entries)[delivery];
  if (id !== undefined) {
    const upstream = ['upstreams', 'default'];
    const own = plugins.get(id);
    for (const [name, key] of Object.entries(upstreamNames)) {
      const node = own === undefined ? undefined : nodeAt(own, [...upstream, key]);
      names.set(name, { path: ['plugins', id, 'config', ...upstream, key], node: node ?? {} });
    }
  }
  return names;
}
