import { loadavg } from 'node:os';
import { type Spread, spread } from '../measure/statistics.ts';
import type { LargeResult } from '../scenarios/large.ts';
import type { Measurement, Scenario } from '../scenarios/measurement.ts';
import type { Verification } from '../scenarios/verify.ts';
import type { WaitingResult } from '../scenarios/waiting.ts';

export interface MeasuredRelay {
  name: string;
  label: string;
  version: string;
  difference: string;
}

/** All that a run of the benchmark found out. */
export class Results {
  /** The figures of the specification are those of embedded mode. */
  readonly mode: 'embedded' | 'cluster';
  /** Processes that wanted a processor before it began, on average of a minute: what else the machine was busy with. */
  readonly load = loadavg()[0] ?? 0;
  readonly relays: MeasuredRelay[] = [];
  readonly verified = new Map<string, Verification>();
  readonly flushes = new Map<string, number>();
  large: LargeResult | undefined;
  waiting: WaitingResult | undefined;
  /** What could not be measured, and why. */
  readonly failures: string[] = [];
  readonly #rounds = new Map<string, Measurement[]>();

  constructor(mode: 'embedded' | 'cluster' = 'embedded') {
    this.mode = mode;
  }

  add(scenario: Scenario, relay: string, measurement: Measurement): void {
    const key = `${scenario.name} ${relay}`;
    this.#rounds.set(key, [...(this.#rounds.get(key) ?? []), measurement]);
  }

  /** Median and range over the rounds; undefined where there is no such measurement. */
  spread(scenario: string, relay: string, what: keyof Measurement): Spread | undefined {
    const values = (this.#rounds.get(`${scenario} ${relay}`) ?? []).map((measurement) => measurement[what]);
    const measured = values.filter((value) => !Number.isNaN(value));
    return measured.length === 0 ? undefined : spread(measured);
  }

  median(scenario: string, relay: string, what: keyof Measurement): number | undefined {
    return this.spread(scenario, relay, what)?.median;
  }
}
