import { services } from '../../core/pipeline/services.ts';
import type { TypedContainer } from './typed-container.ts';

/** What this process offers to plugins: every service of the contract that its container holds. */
export function pluginServices(container: TypedContainer): ReadonlyMap<symbol, unknown> {
  const offered = Object.values(services).filter((token) => container.has(token));
  return new Map(offered.map((token) => [token, container.get<unknown>(token)]));
}
