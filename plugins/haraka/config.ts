import { z } from 'zod';

/** `plugins: [{ use: haraka, config: … }]`. Several entries, with ids of their own, may stand at different places. */
export const configSchema = z.strictObject({
  config_dir: z
    .string()
    .min(1)
    .describe(
      'Folder of a Haraka installation, as `haraka -c` takes it: `config/` in it, perhaps `plugins/` and `node_modules/`',
    ),
  plugins: z
    .array(z.string().min(1))
    .optional()
    .describe('Haraka plugins, named as in `config/plugins`, in order; default: what that file lists'),
  discarding: z
    .array(z.string().min(1))
    .default(['queue/discard'])
    .describe('Plugins whose OK at `queue` means that the message was thrown away, and is to be recorded as discarded'),
});

export type HarakaConfig = z.infer<typeof configSchema>;
