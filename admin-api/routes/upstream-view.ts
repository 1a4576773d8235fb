import { z } from 'zod';
import { upstreamSchema as settingsSchema } from '../../core/config/upstream-schema.ts';
import { writtenShape } from '../../core/config/written-form.ts';
import type { UpstreamHealth } from '../../core/observability/health.ts';
import type { UpstreamConnections } from '../../core/pipeline/upstream-board.ts';
import type { UpstreamDescription } from '../../core/settings/upstream-administration.ts';
import { component } from '../components.ts';
import { isoTimeOrNull, timeSchema } from './fields.ts';
import { originSchema, originView } from './plugin-view.ts';

const { name: _, ...shape } = settingsSchema.shape;
/** All but the name. */
export const upstreamShape = shape;

export const upstreamTypes = ['smtp', 'capture'] as const;
export const upstreamStates = ['up', 'down', 'probing', 'unknown'] as const;

export const upstreamViewSchema = component(
  'Upstream',
  z.strictObject({
    name: z.string(),
    configured: z.boolean().describe('False: stands in while no upstream is configured'),
    type: z.enum(upstreamTypes).describe('`capture` keeps mail and sends nothing'),
    target: z.string().nullable().describe('Host and port, with the defaults filled in; null while it is off'),
    settings: component('UpstreamSettings', z.strictObject(writtenShape(shape))).describe(
      'As they are set, a secret as `[hidden]`; what is left out has its default',
    ),
    origin: originSchema.describe('What put it into the list'),
    origins: z.array(originSchema).describe('Where each value comes from'),
    drift: z.array(z.string()).describe('What changed in the file after the API set it; what the API set is in force'),
    state: z.enum(upstreamStates).describe('`down`: its mail waits; `probing`: and one message is trying'),
    since: timeSchema.nullable(),
    last_error: z.string().nullable(),
    connections: z
      .strictObject({ in_use: z.int(), idle: z.int() })
      .nullable()
      .describe('Open now; null for a capture box'),
    waiting: z
      .strictObject({ messages: z.int(), at_least: z.boolean().describe('There may be more: the queue is long') })
      .describe('Messages that were last tried here, and wait'),
  }),
);

/** What is known of an upstream at this moment. */
export interface UpstreamNow {
  readonly health: UpstreamHealth | undefined;
  readonly connections: UpstreamConnections | undefined;
  readonly waiting: { readonly messages: number; readonly at_least: boolean };
}

export const isCapture = ({ settings }: UpstreamDescription): boolean =>
  settings.type === 'capture' || settings.host === undefined;

export function upstreamView(
  upstream: UpstreamDescription,
  { health, connections, waiting }: UpstreamNow,
): z.infer<typeof upstreamViewSchema> {
  const { name, configured, settings, origin, origins, drift } = upstream;
  const capture = isCapture(upstream);
  return {
    name,
    configured,
    type: capture ? 'capture' : 'smtp',
    target: health?.target ?? null,
    settings,
    origin: originView('', origin),
    origins: origins.map((one) => originView(one.path, one.origin)),
    drift: [...drift],
    state: health?.state ?? 'unknown',
    since: isoTimeOrNull(health?.since ?? null),
    last_error: health?.lastError ?? null,
    connections: capture ? null : { in_use: connections?.inUse ?? 0, idle: connections?.idle ?? 0 },
    waiting,
  };
}
