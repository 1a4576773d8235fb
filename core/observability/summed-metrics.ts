import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Logger } from './log.ts';
import type { Metrics, MetricValues } from './metrics.ts';

/** What grows for ever, and of which nothing may be taken away when a process ends. */
const growing: ReadonlySet<unknown> = new Set(['counter', 'histogram', 'summary']);

/** Of these the slowest process counts: an average would hide it. */
const slowestCounts = /^nodejs_eventloop_lag(_max|_mean|_p\d+)?_seconds$/;

const asOfMachine = (metric: MetricValues): MetricValues =>
  slowestCounts.test(metric.name) ? { ...metric, aggregator: 'max' } : metric;

export interface ProcessNumbers {
  readonly wanted: number;
  readonly running: number;
}

/**
 * The metrics of several processes of one machine, as one: what they counted is summed, and what those counted that
 * ended stays in the sum. Of a process that does not answer in time the last is taken that it said.
 */
export class SummedMetrics implements Pick<Metrics, 'contentType' | 'text'> {
  readonly #ask: () => ReadonlyMap<number, Promise<MetricValues[]>>;
  readonly #processes: () => ProcessNumbers;
  readonly #log: Logger;
  /** Of this process itself. */
  readonly #own = new Registry();
  readonly #states: Gauge<'state'>;
  readonly #ended: Counter;
  readonly #last = new Map<number, MetricValues[]>();
  #gone: MetricValues[] = [];
  #folding: Promise<void> = Promise.resolve();

  /** `ask`: the answer of each process that runs, by its number, which is never used again. */
  constructor(options: {
    readonly ask: () => ReadonlyMap<number, Promise<MetricValues[]>>;
    readonly processes: () => ProcessNumbers;
    readonly log: Logger;
  }) {
    this.#ask = options.ask;
    this.#processes = options.processes;
    this.#log = options.log;
    collectDefaultMetrics({ register: this.#own });
    const registers = [this.#own];
    this.#states = new Gauge({
      name: 'sluice_smtp_processes',
      help: 'Processes that share the listeners of this machine',
      labelNames: ['state'],
      registers,
    });
    this.#ended = new Counter({
      name: 'sluice_smtp_processes_ended_total',
      help: 'Processes that ended without being asked to',
      registers,
    });
  }

  get contentType(): string {
    return this.#own.contentType;
  }

  /** A process ended without being asked to. */
  lost(process: number): void {
    this.#ended.inc();
    const last = this.#last.get(process);
    this.#last.delete(process);
    if (last === undefined) return;
    this.#folding = this.#folding.then(async () => {
      const counted = last.filter(({ type }) => growing.has(type));
      this.#gone = await AggregatorRegistry.aggregate([this.#gone, counted]).getMetricsAsJSON();
    });
  }

  async text(): Promise<string> {
    const answers = [...this.#ask()].map(async ([process, answer]) => {
      try {
        this.#last.set(process, await answer);
      } catch (error) {
        this.#log.warn({ err: error }, 'metrics of a process are as old as its last answer');
      }
    });
    await Promise.all(answers);
    await this.#folding;
    for (const [state, count] of Object.entries(this.#processes())) this.#states.set({ state }, count);
    const own = await this.#own.getMetricsAsJSON();
    const all = [...this.#last.values(), own].map((metrics) => metrics.map(asOfMachine));
    return AggregatorRegistry.aggregate([...all, this.#gone]).metrics();
  }
}
