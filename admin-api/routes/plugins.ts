import { z } from 'zod';
import type { Clock } from '../../core/domain/clock.ts';
import type { PluginAdministration } from '../../core/settings/plugin-administration.ts';
import type { SettingsOutcome } from '../../core/settings/settings-versions.ts';
import type { AuditLog } from '../../core/storage/ports/audit-log.ts';
import { component } from '../components.ts';
import { bind, defineRoute } from '../route.ts';
import { pageFields, pageOf, pageOptions } from './fields.ts';
import { pluginSchema, pluginView, settingsVersionSchema, settingsVersionView } from './plugin-view.ts';
import { settingsChanger, settingsErrors, settingsHeaders, settingsQuery, versionTag } from './settings-change.ts';
import { settingsOutcomeSchema, settingsOutcomeView } from './settings-outcome-view.ts';
import type { ShownProcess } from './system-view.ts';

const tag = 'plugins';
const pluginName = z.string().min(1).max(100);
const pluginParams = z.strictObject({
  plugin: z
    .string()
    .regex(/^[\w@./-]{1,100}$/, 'expected the id of a plugin')
    .describe('Its `id` in the configuration')
    .meta({ examples: ['quota'] }),
});

const hookOrderSchema = z.strictObject({
  listener: z.string().nullable().describe('Null in the worker'),
  hook: z.string(),
  plugins: z.array(z.string()).describe('Ids, in running order'),
});

const listSchema = component(
  'PluginList',
  z.strictObject({
    version: z.int().describe('Version of the settings in force'),
    read_only: z.boolean().describe('`api.plugins` forbids changes by the API'),
    items: z.array(pluginSchema).describe('In the order of the configuration'),
    dormant: z
      .array(z.string())
      .describe(
        'Ids of plugins of which the API set something and which the configuration does not name (any more), and paths of entries of lists such as `delivery.config.upstreams.main`',
      ),
    order: z.array(hookOrderSchema).describe('Who runs when: for each listener and hook'),
  }),
);

export const listPlugins = defineRoute({
  id: 'listPlugins',
  method: 'GET',
  path: '/api/plugins',
  tag,
  summary: 'Plugins with their settings, where these come from, and the order they run in',
  security: 'admin',
  scope: 'admin',
  answers: { 200: { description: 'All plugins of the configuration', schema: listSchema, etag: true } },
});

export const getPlugin = defineRoute({
  id: 'getPlugin',
  method: 'GET',
  path: '/api/plugins/{plugin}',
  tag,
  summary: 'One plugin; its ETag is the version of all settings',
  security: 'admin',
  scope: 'admin',
  params: pluginParams,
  answers: { 200: { description: 'The plugin', schema: pluginSchema, etag: true } },
  errors: ['NOT_FOUND'],
});

const outcome = (description: string) => ({ 200: { description, schema: settingsOutcomeSchema, etag: true } }) as const;

export const changePlugin = defineRoute({
  id: 'changePlugin',
  method: 'PATCH',
  path: '/api/plugins/{plugin}',
  tag,
  summary: 'Change settings, place or on/off of a plugin, in force from the next transaction on',
  description:
    'A merge patch (RFC 7396): what is left out stays, null removes. Lists whose entries have a `name` can be patched as objects keyed by it. The change is built everywhere before it is in force; one that cannot be built changes nothing.',
  security: 'admin',
  scope: 'admin',
  params: pluginParams,
  query: settingsQuery,
  headers: settingsHeaders,
  body: z
    .strictObject({
      enabled: z.boolean().optional(),
      listeners: z.array(z.string().max(100)).max(100).nullable().optional().describe('Null: as in the file’s default'),
      timeout: z
        .string()
        .max(20)
        .nullable()
        .optional()
        .meta({ examples: ['10s'] }),
      before: z.array(pluginName).max(100).nullable().optional(),
      after: z.array(pluginName).max(100).nullable().optional(),
      priority: z.int().nullable().optional(),
      may_grant: z.boolean().optional(),
      config: z.record(z.string(), z.unknown()).optional().describe('Its own settings; see its `schema`'),
    })
    .meta({ examples: [{ config: { time_zone: 'Europe/Berlin' } }] }),
  answers: outcome('What is in force now, or would be'),
  errors: settingsErrors,
});

export const orderPlugins = defineRoute({
  id: 'orderPlugins',
  method: 'PUT',
  path: '/api/plugins/order',
  tag,
  summary: 'Put the plugins into another order',
  description: '`before`, `after` and `priority` of plugins outweigh it.',
  security: 'admin',
  scope: 'admin',
  query: settingsQuery,
  headers: settingsHeaders,
  body: z
    .strictObject({
      order: z.array(pluginName).max(1_000).nullable().describe('The id of each plugin once; null: as in the file'),
    })
    .meta({ examples: [{ order: null }] }),
  answers: outcome('What is in force now, or would be'),
  errors: settingsErrors,
});

export const resetPlugin = defineRoute({
  id: 'resetPlugin',
  method: 'POST',
  path: '/api/plugins/{plugin}/reset',
  tag,
  summary: 'Drop everything that the API set of a plugin: file and defaults count again',
  security: 'admin',
  scope: 'admin',
  params: pluginParams,
  query: settingsQuery,
  headers: settingsHeaders,
  answers: outcome('What is in force now, or would be'),
  errors: settingsErrors,
});

export const listSettingsVersions = defineRoute({
  id: 'listSettingsVersions',
  method: 'GET',
  path: '/api/plugins/history',
  tag,
  summary: 'Versions of the plugins’ settings, newest first',
  security: 'admin',
  scope: 'admin',
  query: z.strictObject(pageFields),
  answers: { 200: { description: 'A page', schema: component('SettingsVersionPage', pageOf(settingsVersionSchema)) } },
});

export const rollBackSettings = defineRoute({
  id: 'rollBackSettings',
  method: 'POST',
  path: '/api/plugins/history/{version}/roll-back',
  tag,
  summary: 'Put what the API had set in an earlier version in force again, as a new version',
  security: 'admin',
  scope: 'admin',
  params: z.strictObject({
    version: z.coerce.number<string>().int().min(1).max(1e12).describe('Number from the history'),
  }),
  query: settingsQuery,
  headers: settingsHeaders,
  answers: outcome('What is in force now, or would be'),
  errors: settingsErrors,
});

export const pluginRoutes = [
  listPlugins,
  orderPlugins,
  listSettingsVersions,
  rollBackSettings,
  getPlugin,
  changePlugin,
  resetPlugin,
];

/** Ids of plugins by listener and hook, in running order. */
export type HookOrder = readonly {
  readonly listener: string | null;
  readonly hook: string;
  readonly plugins: readonly string[];
}[];

export interface PluginServices {
  readonly pluginAdministration: PluginAdministration;
  readonly hookOrder: () => HookOrder;
  /** The processes that make up this Sluice. */
  readonly processes: () => Promise<readonly ShownProcess[]>;
  readonly pluginsReadOnly: boolean;
  readonly auditLog: AuditLog;
  readonly clock: Clock;
}

export function bindPlugins(services: PluginServices) {
  const { pluginAdministration: administration, hookOrder, pluginsReadOnly: readOnly } = services;
  const change = settingsChanger({ ...services, readOnly });

  const answer = async (outcome: SettingsOutcome, dryRun = false) => ({
    status: 200 as const,
    headers: versionTag(administration.version),
    body: settingsOutcomeView(outcome, dryRun, await services.processes()),
  });

  return [
    bind(listPlugins)(async () => ({
      status: 200,
      headers: versionTag(administration.version),
      body: {
        version: administration.version,
        read_only: readOnly,
        items: (await administration.describe()).map(pluginView),
        dormant: [...administration.loaded.dormant],
        order: hookOrder().map(({ listener, hook, plugins }) => ({ listener, hook, plugins: [...plugins] })),
      },
    })),

    bind(getPlugin)(async ({ params }) => ({
      status: 200,
      headers: versionTag(administration.version),
      body: pluginView(await administration.describeOne(params.plugin)),
    })),

    bind(changePlugin)(async (input) => {
      const { plugin } = input.params;
      const work = change(input, 'plugin.change', plugin, (asked) => administration.change(plugin, input.body, asked));
      return answer(await work, input.query.dry_run);
    }),

    bind(orderPlugins)(async (input) => {
      const work = change(input, 'plugin.order', '*', (asked) => administration.reorder(input.body.order, asked));
      return answer(await work, input.query.dry_run);
    }),

    bind(resetPlugin)(async (input) => {
      const { plugin } = input.params;
      const work = change(input, 'plugin.reset', plugin, (asked) => administration.reset(plugin, asked));
      return answer(await work, input.query.dry_run);
    }),

    bind(listSettingsVersions)(async ({ query }) => {
      const page = await administration.history(pageOptions(query));
      return { status: 200, body: { items: page.items.map(settingsVersionView), next: page.next } };
    }),

    bind(rollBackSettings)(async (input) => {
      const { version } = input.params;
      const work = change(input, 'plugin.roll-back', '*', (asked) => administration.rollBack(version, asked));
      return answer(await work, input.query.dry_run);
    }),
  ];
}
