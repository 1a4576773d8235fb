import type { HookName } from './hooks.ts';

/** Upper bounds of the histogram of durations, in microseconds; what is longer counts beyond the last. */
export const durationBounds: readonly number[] = [
  50, 100, 250, 500, 1_000, 2_500, 10_000, 50_000, 250_000, 1_000_000, 10_000_000,
];

/** What one plugin did in one hook since the process started; plain, so that it crosses threads. */
export interface HookNumbers {
  readonly hook: HookName;
  /** Its id. */
  readonly plugin: string;
  /** The name it gives itself: ids are whatever the configuration says. */
  readonly name: string;
  /** How often it answered what, by the words of the trace. */
  readonly verdicts: Readonly<Record<string, number>>;
  readonly calls: number;
  readonly micros: number;
  /** Calls by duration: one number a bound of `durationBounds`, not cumulative, and one for what took longer. */
  readonly durations: readonly number[];
}

/** Counts the calls of one plugin in one hook: a few additions a call, nothing allocated. */
export class HookMeter {
  readonly #hook: HookName;
  readonly #plugin: string;
  readonly #name: string;
  readonly #others = new Map<string, number>();
  readonly #durations: number[] = durationBounds.map(() => 0).concat(0);
  #continued = 0;
  #calls = 0;
  #micros = 0;

  constructor(hook: HookName, plugin: string, name: string) {
    this.#hook = hook;
    this.#plugin = plugin;
    this.#name = name;
  }

  observe(verdict: string, micros: number): void {
    this.#calls += 1;
    this.#micros += micros;
    if (verdict === 'continue') this.#continued += 1;
    else this.#others.set(verdict, (this.#others.get(verdict) ?? 0) + 1);
    let bucket = 0;
    while (micros > (durationBounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1;
    this.#durations[bucket] = (this.#durations[bucket] ?? 0) + 1;
  }

  numbers(): HookNumbers {
    return {
      hook: this.#hook,
      plugin: this.#plugin,
      name: this.#name,
      verdicts: { ...(this.#continued > 0 ? { continue: this.#continued } : {}), ...Object.fromEntries(this.#others) },
      calls: this.#calls,
      micros: this.#micros,
      durations: [...this.#durations],
    };
  }
}

/** The meters of a thread; they outlive the pipelines, so that a change of plugins resets no counter. */
export class HookMeters {
  readonly #meters = new Map<string, HookMeter>();

  of(hook: HookName, plugin: string, name: string): HookMeter {
    const key = `${hook} ${plugin} ${name}`;
    const meter = this.#meters.get(key) ?? new HookMeter(hook, plugin, name);
    this.#meters.set(key, meter);
    return meter;
  }

  numbers(): HookNumbers[] {
    return [...this.#meters.values()].map((meter) => meter.numbers());
  }
}
