import { residentMemory } from '../../benches/measure/process-tree.ts';
import { spread } from '../../benches/measure/statistics.ts';
import type { ClusterProcess } from '../support/cluster.ts';

interface Sample {
  /** Milliseconds since the start. */
  readonly at: number;
  readonly pid: number;
  /** Resident, in MB. */
  readonly resident: number;
}

/** What a process held over a run, in MB: medians of its second sixth and of its last, and the most. */
export interface MemoryUse {
  readonly name: string;
  /** How often it was killed and started again. */
  readonly restarts: number;
  readonly early: number;
  readonly late: number;
  readonly most: number;
}

/** Looks once a while at how much memory each process holds. */
export class MemoryWatch {
  readonly #processes: readonly ClusterProcess[];
  readonly #samples = new Map<ClusterProcess, Sample[]>();
  readonly #started = Date.now();
  readonly #timer: NodeJS.Timeout;

  /** `interval` in milliseconds. */
  constructor(processes: readonly ClusterProcess[], interval: number) {
    this.#processes = processes;
    for (const process of processes) this.#samples.set(process, []);
    this.#timer = setInterval(() => this.#look(), interval);
  }

  #look(): void {
    for (const process of this.#processes) {
      const { pid } = process.child;
      const resident = residentMemory(pid).now;
      // One that is just being started again holds nothing yet.
      if (resident > 0) this.#samples.get(process)?.push({ at: Date.now() - this.#started, pid, resident });
    }
  }

  /** Looks no more, and answers what it saw. */
  finish(): MemoryUse[] {
    clearInterval(this.#timer);
    const length = Date.now() - this.#started;
    return this.#processes.map((process) => {
      const samples = this.#samples.get(process) ?? [];
      const between = (from: number, to: number): number => {
        const within = samples.filter(({ at }) => at >= from * length && at < to * length);
        return spread(within.map(({ resident }) => resident)).median;
      };
      const number = this.#processes.filter(({ role }) => role === process.role).indexOf(process) + 1;
      return {
        name: `${process.role} ${number}`,
        restarts: new Set(samples.map(({ pid }) => pid)).size - 1,
        early: between(1 / 6, 2 / 6),
        late: between(5 / 6, 1),
        most: Math.max(...samples.map(({ resident }) => resident)),
      };
    });
  }
}
