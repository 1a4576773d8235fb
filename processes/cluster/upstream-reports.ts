import type { UpstreamBoard, UpstreamConnections, UpstreamHealth } from '../../core/pipeline/upstream-board.ts';
import type { ProcessRecord, UpstreamReport } from '../../core/storage/ports/processes.ts';

/** How this process stands with its upstreams, to be told to the others. */
export class UpstreamReports implements UpstreamBoard {
  readonly #health = new Map<string, UpstreamHealth>();
  readonly #counts = new Map<string, () => UpstreamConnections>();

  report(health: UpstreamHealth): void {
    this.#health.set(health.name, health);
  }

  connections(name: string, count: () => UpstreamConnections): void {
    this.#counts.set(name, count);
  }

  all(): UpstreamReport[] {
    const none: UpstreamConnections = { inUse: 0, idle: 0 };
    return [...this.#health.values()].map((health) => ({
      ...health,
      connections: this.#counts.get(health.name)?.() ?? none,
    }));
  }
}

/** From the worst on: one worker that cannot reach an upstream is worth telling. */
const gravity = ['down', 'probing', 'up', 'unknown'] as const;

/** What all processes together say of the upstreams: the gravest state, and the sum of their connections. */
export function upstreamsOf(processes: readonly Pick<ProcessRecord, 'upstreams'>[]): UpstreamReport[] {
  const all = new Map<string, UpstreamReport>();
  for (const report of processes.flatMap(({ upstreams }) => upstreams)) {
    const known = all.get(report.name);
    if (known === undefined) {
      all.set(report.name, report);
      continue;
    }
    const graver = gravity.indexOf(report.state) < gravity.indexOf(known.state) ? report : known;
    const connections = {
      inUse: known.connections.inUse + report.connections.inUse,
      idle: known.connections.idle + report.connections.idle,
    };
    all.set(report.name, { ...graver, connections });
  }
  return [...all.values()];
}
