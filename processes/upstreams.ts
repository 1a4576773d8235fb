import type { PluginEntry } from '../core/config/schema.ts';
import type { UpstreamHealth } from '../core/observability/health.ts';
import { deliveryConfigSchema } from '../plugins/delivery/config.ts';
import { upstreamSettings } from '../plugins/delivery/upstream-settings.ts';

export interface UpstreamSummary {
  readonly name: string;
  /** Host and port, or `capture box`. */
  readonly description: string;
  readonly capture: boolean;
}

/** Where the mail of this configuration goes, in the order of fail-over; empty without the plugin `delivery`. */
export function upstreamSummaries(plugins: readonly PluginEntry[]): UpstreamSummary[] {
  return plugins
    .filter((entry) => entry.enabled && entry.use === 'delivery')
    .flatMap((entry) => upstreamSettings(deliveryConfigSchema.parse(entry.config)))
    .map((upstream) =>
      upstream.type === 'capture'
        ? { name: upstream.name, description: 'capture box', capture: true }
        : { name: upstream.name, description: `${upstream.host}:${upstream.port}`, capture: false },
    );
}

/** How the configured upstreams stand, by what the relay told of them so far. */
export function upstreamHealth(plugins: readonly PluginEntry[], told: readonly UpstreamHealth[]): UpstreamHealth[] {
  return upstreamSummaries(plugins).map(
    ({ name, description, capture }) =>
      // What was told of an upstream at another address is not of this one.
      told.find((upstream) => upstream.name === name && upstream.target === (capture ? 'capture' : description)) ?? {
        name,
        target: description,
        state: capture ? 'up' : 'unknown',
        since: null,
        lastError: null,
      },
  );
}
