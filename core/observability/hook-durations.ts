import { Histogram, type MetricValueWithName, type Registry } from 'prom-client';
import { durationBounds, type HookNumbers } from '../pipeline/hook-meter.ts';

const name = 'sluice_hook_duration_seconds';
const help = 'How long plugins took in a hook';
const second = 1_000_000;

/** Values as prom-client keeps them: it puts shared labels to the others where they become JSON. */
type Value = MetricValueWithName<string> & { readonly sharedLabels: object };

function valuesOf({ hook, plugin, calls, micros, durations }: HookNumbers): Value[] {
  const sharedLabels = {};
  let below = 0;
  const buckets = durationBounds.map((bound, n) => {
    below += durations[n] ?? 0;
    return { metricName: `${name}_bucket`, labels: { hook, plugin, le: bound / second }, sharedLabels, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { hook, plugin, le: '+Inf' }, sharedLabels, value: calls },
    { metricName: `${name}_sum`, labels: { hook, plugin }, sharedLabels, value: micros / second },
    { metricName: `${name}_count`, labels: { hook, plugin }, sharedLabels, value: calls },
  ];
}

/** A histogram that was counted elsewhere: prom-client's own is too slow to be asked at each call. */
export class HookDurations extends Histogram<string> {
  readonly #numbers: () => readonly HookNumbers[];

  constructor(registry: Registry, numbers: () => readonly HookNumbers[]) {
    super({ name, help, registers: [registry] });
    this.#numbers = numbers;
  }

  /** What the registry asks for, as plain rows. */
  async getForPromString() {
    return { name, help, type: 'histogram', values: this.#numbers().flatMap(valuesOf), aggregator: 'sum' };
  }
}
