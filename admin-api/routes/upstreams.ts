import { createHash } from 'node:crypto';
import { z } from 'zod';
import { upstreamNameSchema } from '../../core/config/upstream-schema.ts';
import { patchShape, writtenShape } from '../../core/config/written-form.ts';
import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { HealthSource } from '../../core/observability/health.ts';
import type { UpstreamConnections } from '../../core/pipeline/upstream-board.ts';
import type { PluginAdministration } from '../../core/settings/plugin-administration.ts';
import type { SettingsOutcome } from '../../core/settings/settings-versions.ts';
import { UpstreamAdministration, type UpstreamDescription } from '../../core/settings/upstream-administration.ts';
import type { AuditLog } from '../../core/storage/ports/audit-log.ts';
import type { MailLog } from '../../core/storage/ports/mail-log.ts';
import { component } from '../components.ts';
import { bind, defineRoute } from '../route.ts';
import { pageFields, pageOf, searchSchema } from './fields.ts';
import { namedPage } from './named-page.ts';
import { settingsChanger, settingsErrors, settingsHeaders, settingsQuery, versionTag } from './settings-change.ts';
import { settingsOutcomeSchema, settingsOutcomeView } from './settings-outcome-view.ts';
import type { ShownProcess } from './system-view.ts';
import { upstreamShape, upstreamStates, upstreamTypes, upstreamView, upstreamViewSchema } from './upstream-view.ts';

const tag = 'upstreams';
export const upstreamParams = z.strictObject({
  name: upstreamNameSchema
    .max(100)
    .describe('Its name in the configuration')
    .meta({ examples: ['default'] }),
});

export const listUpstreams = defineRoute({
  id: 'listUpstreams',
  method: 'GET',
  path: '/api/upstreams',
  tag,
  summary: 'Upstreams in the order of fail-over, with their settings and how they stand',
  security: 'admin',
  scope: 'admin',
  query: z.strictObject({
    ...pageFields,
    type: z.enum(upstreamTypes).optional().describe('Only those of this type'),
    state: z.enum(upstreamStates).optional().describe('Only those that stand so now'),
    search: searchSchema.describe('Part of name or target'),
  }),
  answers: { 200: { description: 'A page', schema: component('UpstreamPage', pageOf(upstreamViewSchema)) } },
});

export const getUpstream = defineRoute({
  id: 'getUpstream',
  method: 'GET',
  path: '/api/upstreams/{name}',
  tag,
  summary: 'One upstream; its ETag begins with the version of all settings',
  security: 'admin',
  scope: 'admin',
  params: upstreamParams,
  answers: { 200: { description: 'The upstream', schema: upstreamViewSchema, etag: true } },
  errors: ['NOT_FOUND'],
});

export const createUpstream = defineRoute({
  id: 'createUpstream',
  method: 'POST',
  path: '/api/upstreams',
  tag,
  summary: 'Add an upstream, last in the order of fail-over',
  description:
    'Stored as settings of the plugin `delivery`, built everywhere before it is in force, and gone back from by the history of the plugins. A dry run answers 200.',
  security: 'admin',
  scope: 'admin',
  query: settingsQuery,
  headers: settingsHeaders,
  body: z.strictObject({ name: upstreamNameSchema.max(100), ...writtenShape(upstreamShape) }).meta({
    examples: [{ name: 'provider', host: 'smtp.example.com', port: 587, username: 'relay', password: 'the password' }],
  }),
  answers: {
    200: { description: 'What would be in force', schema: settingsOutcomeSchema, etag: true },
    201: { description: 'It is in force', schema: settingsOutcomeSchema, etag: true },
  },
  errors: settingsErrors,
});

export const changeUpstream = defineRoute({
  id: 'changeUpstream',
  method: 'PATCH',
  path: '/api/upstreams/{name}',
  tag,
  summary: 'Change settings of an upstream, in force from the next message on',
  description:
    'A merge patch (RFC 7396): what is left out stays, null puts the default back. What the environment sets answers 409.',
  security: 'admin',
  scope: 'admin',
  params: upstreamParams,
  query: settingsQuery,
  headers: settingsHeaders,
  body: z.strictObject(patchShape(upstreamShape)).meta({ examples: [{ port: 2525, ehlo_name: null }] }),
  answers: { 200: { description: 'What is in force now, or would be', schema: settingsOutcomeSchema, etag: true } },
  errors: settingsErrors,
});

export const deleteUpstream = defineRoute({
  id: 'deleteUpstream',
  method: 'DELETE',
  path: '/api/upstreams/{name}',
  tag,
  summary: 'Remove an upstream; mail that waits for it goes to the others, or waits',
  description:
    'One of the configuration file is hidden by what the API sets over it; a reset of the plugin `delivery` brings it back. Without any upstream mail is captured.',
  security: 'admin',
  scope: 'admin',
  params: upstreamParams,
  query: settingsQuery,
  headers: settingsHeaders,
  answers: { 200: { description: 'What is in force now, or would be', schema: settingsOutcomeSchema, etag: true } },
  errors: settingsErrors,
});

export const upstreamRoutes = [listUpstreams, createUpstream, getUpstream, changeUpstream, deleteUpstream];

export interface UpstreamServices {
  readonly pluginAdministration: PluginAdministration;
  /** Open connections by name, as far as they are known here. Never rejects. */
  readonly upstreamConnections: () => Promise<ReadonlyMap<string, UpstreamConnections>>;
  /** The processes that make up this Sluice. */
  readonly processes: () => Promise<readonly ShownProcess[]>;
  readonly health: HealthSource;
  readonly mailLog: Pick<MailLog, 'queueMatches'>;
  readonly pluginsReadOnly: boolean;
  readonly auditLog: AuditLog;
  readonly clock: Clock;
}

/** Begins with the version, which is what a change is of; the rest tells one state of the upstream from another. */
const tagOf = (version: number, body: object): string =>
  `"${version}-${createHash('sha256').update(JSON.stringify(body)).digest('base64url').slice(0, 22)}"`;

/** So many open messages are looked at to count those that wait for an upstream. */
const lookedAt = 5_000;

/** Names the place in the request where the plugin's settings named one. */
function inRequest(error: unknown, plugin: string, upstream: string): unknown {
  if (!(error instanceof SluiceError)) return error;
  const escaped = plugin.replaceAll(/[^\w]/g, String.raw`\$&`);
  const place = new RegExp(String.raw`(?:plugins\.${escaped}|body)\.config\.upstreams\.${upstream}(\.?)`, 'g');
  const renamed = (text: string) => text.replaceAll(place, (_, dot: string) => (dot === '' ? 'upstream' : 'body.'));
  const problems = error.problems.map((problem) => ({ ...problem, path: renamed(problem.path) }));
  return new SluiceError(error.code, renamed(error.message), { cause: error, problems });
}

export function bindUpstreams(services: UpstreamServices) {
  const { upstreamConnections, health, mailLog } = services;
  const administration = new UpstreamAdministration(services.pluginAdministration);
  const changer = settingsChanger({ ...services, readOnly: services.pluginsReadOnly });

  type Change = Parameters<typeof changer>;
  const change = async (input: Change[0], action: string, name: string, work: Change[3]): Promise<SettingsOutcome> => {
    const plugin = administration.pluginId;
    try {
      return await changer(input, `upstream.${action}`, { kind: 'upstream', id: name }, work);
    } catch (error) {
      throw inRequest(error, plugin, name);
    }
  };
  const outcome = async (settled: SettingsOutcome, dryRun = false) => ({
    headers: versionTag(administration.version),
    body: settingsOutcomeView(settled, dryRun, await services.processes()),
  });

  const waitingFor = async (upstream: string) => {
    const { items, next } = await mailLog.queueMatches({ upstream }, { limit: lookedAt });
    return { messages: items.length, at_least: next !== null };
  };
  const views = async (upstreams: readonly UpstreamDescription[]) => {
    const [report, connections] = await Promise.all([health.report(), upstreamConnections()]);
    return Promise.all(
      upstreams.map(async (upstream) =>
        upstreamView(upstream, {
          health: report.upstreams.find(({ name }) => name === upstream.name),
          connections: connections.get(upstream.name),
          waiting: await waitingFor(upstream.name),
        }),
      ),
    );
  };

  return [
    bind(listUpstreams)(async ({ query }) => {
      const { type, state } = query;
      const search = query.search?.toLowerCase();
      const found = (await views(await administration.describe())).filter(
        (one) =>
          (type === undefined || one.type === type) &&
          (state === undefined || one.state === state) &&
          (search === undefined || one.name.includes(search) || one.target?.toLowerCase().includes(search) === true),
      );
      return { status: 200, body: namedPage(found, query) };
    }),

    bind(getUpstream)(async ({ params }) => {
      const upstream = await administration.describeOne(params.name);
      const [body] = await views([upstream]);
      if (body === undefined) throw new SluiceError('NOT_FOUND', 'there is no such upstream in the configuration');
      return { status: 200, body, headers: { etag: tagOf(administration.version, body) } };
    }),

    bind(createUpstream)(async (input) => {
      const { name, ...settings } = input.body;
      const work = change(input, 'create', name, (asked) => administration.create(name, settings, asked));
      const { dry_run: dryRun = false } = input.query;
      return { status: dryRun ? 200 : 201, ...(await outcome(await work, dryRun)) };
    }),

    bind(changeUpstream)(async (input) => {
      const { name } = input.params;
      const work = change(input, 'change', name, (asked) => administration.change(name, input.body, asked));
      return { status: 200, ...(await outcome(await work, input.query.dry_run)) };
    }),

    bind(deleteUpstream)(async (input) => {
      const { name } = input.params;
      const work = change(input, 'delete', name, (asked) => administration.remove(name, asked));
      return { status: 200, ...(await outcome(await work, input.query.dry_run)) };
    }),
  ];
}
