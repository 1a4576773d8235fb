import { z } from 'zod';
import { settingsJsonSchema } from '../../core/config/json-schema.ts';
import type { Origin } from '../../core/config/origins.ts';
import type { PluginDescription } from '../../core/settings/plugin-description.ts';
import type { SettingsVersion } from '../../core/storage/ports/settings.ts';
import { component } from '../components.ts';
import { isoTime, timeSchema } from './fields.ts';

export const originSchema = z.strictObject({
  path: z.string().meta({ examples: ['config.time_zone'] }),
  from: z.enum(['environment', 'api', 'file', 'default']).describe('The strongest first'),
  variable: z.string().nullable().describe('The variable of the environment'),
  line: z.int().nullable().describe('Line of the configuration file'),
});

export const pluginSchema = component(
  'Plugin',
  z.strictObject({
    id: z.string(),
    use: z.string().describe('A shipped plugin, a package or a path'),
    name: z.string().nullable(),
    version: z.string().nullable(),
    summary: z.string().nullable(),
    state: z.enum(['running', 'off']),
    roles: z.array(z.enum(['smtp', 'worker'])).describe('Kinds of process that run it'),
    listeners: z.array(z.string()).nullable().describe('Null: all'),
    timeout: z.number().describe('Deadline of one hook call, in milliseconds'),
    before: z.array(z.string()),
    after: z.array(z.string()),
    priority: z.int(),
    may_grant: z.boolean(),
    config: z.record(z.string(), z.unknown()).describe('Its own settings as they are set, secrets as `[hidden]`'),
    schema: z.record(z.string(), z.unknown()).nullable().describe('JSON Schema of `config`'),
    origins: z.array(originSchema).describe('Where each value comes from'),
    drift: z.array(z.string()).describe('What changed in the file after the API set it; what the API set is in force'),
  }),
);

export function originView(path: string, origin: Origin): z.infer<typeof originSchema> {
  return {
    path,
    from: origin.layer,
    variable: origin.layer === 'environment' ? origin.variable : null,
    line: origin.layer === 'file' ? origin.line : null,
  };
}

export function pluginView({ id, use, plugin, entry, config, origins, drift }: PluginDescription) {
  return {
    id,
    use,
    name: plugin?.name ?? null,
    version: plugin?.version ?? null,
    summary: plugin?.summary ?? null,
    state: entry.enabled ? ('running' as const) : ('off' as const),
    roles: [...(plugin?.roles ?? [])],
    listeners: entry.listeners === undefined ? null : [...entry.listeners],
    timeout: entry.timeout,
    before: [...entry.before],
    after: [...entry.after],
    priority: entry.priority,
    may_grant: entry.may_grant,
    config: { ...config },
    schema: plugin === null ? null : settingsJsonSchema(plugin.config),
    origins: origins.map(({ path, origin }) => originView(path, origin)),
    drift: [...drift],
  };
}

export const settingsVersionSchema = component(
  'SettingsVersion',
  z.strictObject({
    number: z.int().describe('Traces name the version that judged a message by it'),
    state: z.enum(['candidate', 'current', 'superseded', 'rejected']),
    reason: z.string().nullable().describe('Why it was rejected'),
    cause: z.enum(['start', 'reload', 'change', 'order', 'reset', 'roll-back']),
    author_id: z.string().nullable().describe('Null: the control socket, or a start or reload'),
    at: timeSchema,
    patched: z.array(z.string()).describe('Ids of the plugins of which the API set something'),
    order: z.array(z.string()).nullable().describe('The order that the API set'),
  }),
);

export const settingsVersionView = (version: SettingsVersion): z.infer<typeof settingsVersionSchema> => ({
  number: version.number,
  state: version.state,
  reason: version.reason,
  cause: version.cause,
  author_id: version.author,
  at: isoTime(version.at),
  patched: Object.keys(version.overlay.plugins),
  order: version.overlay.order === null ? null : [...version.overlay.order],
});
