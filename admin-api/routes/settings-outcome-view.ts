import { z } from 'zod';
import { nameOfProcess } from '../../core/settings/fleet-view.ts';
import type { SettingsOutcome } from '../../core/settings/settings-versions.ts';
import { component } from '../components.ts';
import type { ShownProcess } from './system-view.ts';

const differenceSchema = z.strictObject({
  path: z.string().meta({ examples: ['plugins.quota.config.time_zone'] }),
  before: z.unknown().describe('Null: was not set'),
  after: z.unknown().describe('Null: is not set any more; a secret is `changed`'),
});

export const settingsOutcomeSchema = component(
  'SettingsOutcome',
  z.strictObject({
    version: z.int().describe('Version of the settings in force now, or of the candidate'),
    state: z
      .enum(['current', 'candidate'])
      .describe('`candidate`: in force once a process runs of each kind that has to judge mail by it'),
    dry_run: z.boolean(),
    changes: z.array(differenceSchema).describe('What changed, or would change'),
    running: z
      .array(z.strictObject({ process: z.string(), version: z.int() }))
      .describe('Which process runs which version'),
    tried: z
      .array(z.strictObject({ process: z.string(), built: z.boolean(), reason: z.string().nullable() }))
      .describe('Of a dry run in a cluster: one process of each kind that judges mail built it, or why none tried'),
  }),
);

/** `processes` are those that run by now. */
export const settingsOutcomeView = (
  { version, state, changes, tried = [] }: SettingsOutcome,
  dryRun: boolean,
  processes: readonly ShownProcess[],
): z.infer<typeof settingsOutcomeSchema> => ({
  version,
  state,
  dry_run: dryRun,
  changes: changes.map(({ path, before, after }) => ({ path, before, after })),
  running: processes.map((one) => ({ process: nameOfProcess(one), version: one.settings })),
  tried: tried.map(({ process, built, reason }) => ({ process, built, reason })),
});
