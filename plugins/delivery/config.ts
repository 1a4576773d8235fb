import { z } from 'zod';
import { upstreamSchema } from '../../core/config/upstream-schema.ts';

/** `plugins: [{ use: delivery, config: … }]`. The list's order is the order of fail-over. */
export const deliveryConfigSchema = z.strictObject({
  upstreams: z
    .array(upstreamSchema)
    .default([])
    .superRefine((upstreams, context) => {
      const seen = new Set<string>();
      upstreams.forEach((upstream, index) => {
        if (seen.has(upstream.name)) {
          context.addIssue({
            code: 'custom',
            path: [index, 'name'],
            message: `there are two upstreams ${upstream.name}`,
          });
        }
        seen.add(upstream.name);
      });
    })
    .describe('Where mail goes. None: it is captured, and sent to nobody'),
});

export type DeliveryConfig = z.infer<typeof deliveryConfigSchema>;
