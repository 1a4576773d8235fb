import { z } from 'zod';
import type { SettingsOutcome } from '../../core/settings/settings-versions.ts';
import { component } from '../components.ts';

const differenceSchema = z.strictObject({
  path: z.string().meta({ examples: ['plugins.quota.config.time_zone'] }),
  before: z.unknown().describe('Null: was not set'),
  after: z.unknown().describe('Null: is not set any more; a secret is `changed`'),
});

export const settingsOutcomeSchema = component(
  'SettingsOutcome',
  z.strictObject({
    version: z.int().describe('Version of the settings in force now'),
    dry_run: z.boolean(),
    changes: z.array(differenceSchema).describe('What changed, or would change'),
    running: z
      .array(z.strictObject({ process: z.string(), version: z.int() }))
      .describe('Which process runs which version'),
  }),
);

/** `inForce` is the version in force by now. */
export const settingsOutcomeView = (
  { version, changes }: SettingsOutcome,
  dryRun: boolean,
  inForce: number,
): z.infer<typeof settingsOutcomeSchema> => ({
  version,
  dry_run: dryRun,
  changes: changes.map(({ path, before, after }) => ({ path, before, after })),
  running: [{ process: 'all', version: inForce }],
});
