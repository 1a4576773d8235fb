import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const perMessage = z.number().nonnegative();

/** What one message costs, as `benches/fleet/measure.ts` measured it; processor times in milliseconds. */
const measuredSchema = z.strictObject({
  recipients: z.number(),
  /** Octets of the message. */
  size: z.number(),
  /** Messages of the run. */
  messages: z.number(),
  smtpCpu: perMessage,
  workerCpu: perMessage,
  redis: z.record(z.string(), z.strictObject({ commands: perMessage, cpu: perMessage })),
  mongodb: z.record(
    z.string(),
    z.strictObject({
      /** Commands, each a way there and back. */
      commands: perMessage,
      /** Documents inserted, updated or deleted. */
      writes: perMessage,
      /** Octets of what was inserted. */
      inserted: perMessage,
    }),
  ),
});
export type Measured = z.infer<typeof measuredSchema>;

const costsSchema = z.strictObject({
  measuredOn: z.string(),
  machine: z.string(),
  /** Processes that wanted a processor, the measured ones among them: the more, the dearer each message. */
  loadAverage: z.number(),
  versions: z.record(z.string(), z.string()),
  how: z.string(),
  runs: z.array(measuredSchema).min(3),
});
export type Costs = z.infer<typeof costsSchema>;

export const costsFile = join(import.meta.dirname, 'costs.json');

export const measuredCosts = (): Costs => costsSchema.parse(JSON.parse(readFileSync(costsFile, 'utf8')));
