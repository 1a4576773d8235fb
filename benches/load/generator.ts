/* The load, a process of its own: sends what its settings say and reports by IPC. */
import { quantile } from '../measure/statistics.ts';
import { BenchMessage } from './bench-message.ts';
import { type LoadPlan, LoadSession } from './load-session.ts';
import type { LoadResult, LoadSettings } from './load-settings.ts';

const settings: LoadSettings = JSON.parse(process.argv[2] ?? '{}');
const latencies = new Float64Array(settings.messages);
const refused: Record<string, number> = {};
let given = 0;
let accepted = 0;
let open = settings.connections;
let lastAt = 0;
const startedAt = Date.now();
const started = performance.now();

const report = (): void => {
  const { user, system } = process.cpuUsage();
  const measured = [...latencies.subarray(0, accepted)];
  const result: LoadResult = {
    accepted,
    refused,
    elapsed: lastAt - started,
    startedAt,
    p50: quantile(measured, 0.5),
    p99: quantile(measured, 0.99),
    longest: quantile(measured, 1),
    cpu: (user + system) / 1_000 / Math.max(1, accepted),
  };
  process.send?.(result, () => process.disconnect());
};

const plan: LoadPlan = {
  settings,
  next: () => {
    if (given === settings.messages) return undefined;
    given += 1;
    return given - 1;
  },
  accepted: (milliseconds) => {
    latencies[accepted] = milliseconds;
    accepted += 1;
    lastAt = performance.now();
  },
  refused: (reply) => {
    refused[reply] = (refused[reply] ?? 0) + 1;
  },
  done: () => {
    open -= 1;
    if (open === 0) report();
  },
};

// A hundred copies of a large message would be a load on memory of our own; one that is shared has no number of its own.
const shared = settings.size > 1_000_000 ? new BenchMessage(settings.run, settings.size) : undefined;
for (let index = 0; index < settings.connections; index += 1) {
  new LoadSession(plan, shared ?? new BenchMessage(settings.run, settings.size));
}
