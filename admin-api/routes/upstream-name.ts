import { SluiceError } from '../../core/domain/errors.ts';
import type { HealthSource } from '../../core/observability/health.ts';
import { lineSchema } from './fields.ts';

export const upstreamNameSchema = lineSchema(100).describe('Name of an upstream of the configuration');

/** Throws `REQUEST_INVALID` where no upstream has this name, and says which there are. */
export async function checkUpstream(health: HealthSource, name: string): Promise<void> {
  const { upstreams } = await health.report();
  if (upstreams.some((upstream) => upstream.name === name)) return;
  const names = upstreams.map((upstream) => upstream.name).join(', ');
  const message = `there is no upstream of this name; there is ${names === '' ? 'none' : names}`;
  throw new SluiceError('REQUEST_INVALID', `body.upstream: ${message}`, {
    problems: [{ path: 'body.upstream', message }],
  });
}
