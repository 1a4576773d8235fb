import { z } from 'zod';
import { finalStates, openStates } from '../../core/domain/message.ts';
import type { ConfigurationInForce } from '../../core/settings/configuration-in-force.ts';
import type { Conservation } from '../../core/storage/ports/mail-log.ts';
import type { ProcessRecord } from '../../core/storage/ports/processes.ts';
import { component } from '../components.ts';
import { isoTime, timeSchema } from './fields.ts';
import { recipientStateSchema } from './message-view.ts';
import { originSchema, originView } from './plugin-view.ts';

const processSchema = z.strictObject({
  id: z.string().describe('New at each start'),
  roles: z.array(z.enum(['smtp', 'worker', 'api'])),
  host: z.string(),
  pid: z.int(),
  version: z.string().describe('Of Sluice'),
  started_at: timeSchema,
  settings_version: z.int().describe('Version of the plugins’ settings that it runs; 0: none yet'),
  unfit: z.string().nullable().describe('Why it cannot run the version in force, and answers 451'),
  seen_at: timeSchema.describe('When it last told of itself'),
});

export const systemSchema = component(
  'System',
  z.strictObject({
    version: z.string(),
    node: z.string().describe('Version of Node.js'),
    mode: z.enum(['embedded', 'cluster']),
    started_at: timeSchema.describe('When the process that answers was started'),
    settings_version: z.int().describe('Version of the plugins’ settings in force'),
    processes: z.array(processSchema),
  }),
);

/** What is shown of a process. */
export type ShownProcess = Pick<
  ProcessRecord,
  'id' | 'roles' | 'host' | 'pid' | 'release' | 'startedAt' | 'settings' | 'unfit' | 'at'
>;

export const processView = (one: ShownProcess): z.infer<typeof processSchema> => ({
  id: one.id,
  roles: [...one.roles],
  host: one.host,
  pid: one.pid,
  version: one.release,
  started_at: isoTime(one.startedAt),
  settings_version: one.settings,
  unfit: one.unfit,
  seen_at: isoTime(one.at),
});

const driftSchema = z.strictObject({ plugin: z.string(), settings: z.array(z.string()) });

export const configurationSchema = component(
  'ConfigurationInForce',
  z.strictObject({
    file: z.string(),
    settings: z.array(
      z.strictObject({
        ...originSchema.shape,
        value: z.string().describe('JSON, or `[hidden]` for a secret; times in milliseconds, sizes in octets'),
      }),
    ),
    warnings: z.array(z.strictObject({ path: z.string(), message: z.string() })),
    waiting_for_restart: z.array(z.string()).describe('What changed in the file, and cannot be taken up before'),
    drift: z.array(driftSchema).describe('What changed in the file after the API set it; what the API set is in force'),
    dormant: z
      .array(z.string())
      .describe('What the API changed, and the file does not name: plugins, entries of lists'),
  }),
);

export const configurationView = (now: ConfigurationInForce): z.infer<typeof configurationSchema> => ({
  file: now.file,
  settings: now.settings.map(({ path, value, origin }) => ({ ...originView(path, origin), value })),
  warnings: now.warnings.map(({ path, variable, message }) => ({ path: variable ?? path, message })),
  waiting_for_restart: [...now.waiting],
  drift: now.drift.map(({ plugin, settings }) => ({ plugin, settings: [...settings] })),
  dormant: [...now.dormant],
});

export const conservationSchema = component(
  'Conservation',
  z.strictObject({
    accepted: z.int().describe('Recipients accepted from clients'),
    generated: z.int().describe('Recipients of bounces and reports that Sluice made itself'),
    states: z.record(recipientStateSchema, z.int()).describe('Where they all are now'),
    balanced: z.boolean().describe('accepted + generated = the sum of the states'),
  }),
);

export function conservationView(sum: Conservation): z.infer<typeof conservationSchema> {
  const { accepted, generated, states, balanced } = sum;
  const all = [...openStates, ...finalStates];
  const counts = Object.fromEntries(all.map((state) => [state, states[state]])) as typeof states;
  return { accepted, generated, states: counts, balanced };
}
