import { z } from 'zod';
import { definePlugin } from '../../core/pipeline/plugin.ts';

/** Ends its thread while it is being built, once it is told to: by an error that nobody can catch. */
export default definePlugin({
  name: 'mortal',
  version: '1.0.0',
  contract: 1,
  summary: 'Ends its thread when told to',
  roles: ['worker'],
  config: z.strictObject({ die: z.boolean() }),
  needs: {},
  init({ config: { die } }) {
    if (!die) return { hooks: {} };
    setImmediate(() => {
      throw new Error('told to die');
    });
    return new Promise(() => {});
  },
});
