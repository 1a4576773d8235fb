import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts processor time in ticks of 10 ms. */
const tick = 10;

interface ProcessStat {
  pid: number;
  parent: number;
  /** Own processor time and that of ended children, in milliseconds. */
  cpu: number;
}

const readStat = (pid: number): ProcessStat | undefined => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name stands in brackets and may hold anything; the fields after it are numbers (proc(5)).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map(Number);
    const ticks = (user ?? 0) + (system ?? 0) + (endedUser ?? 0) + (endedSystem ?? 0);
    return { pid, parent: Number(fields[1]), cpu: ticks * tick };
  } catch {
    return undefined;
  }
};

const tree = (roots: readonly number[]): ProcessStat[] => {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== undefined);
  const found = all.filter((stat) => roots.includes(stat.pid));
  for (const parent of found) found.push(...all.filter((stat) => stat.parent === parent.pid));
  return found;
};

/** PIDs of processes and all below them. */
export const processTree = (...roots: readonly number[]): number[] => tree(roots).map((stat) => stat.pid);

/** Milliseconds of processor time of processes and all below them, those that have ended included. */
export const processorTime = (...roots: readonly number[]): number =>
  tree(roots).reduce((sum, stat) => sum + stat.cpu, 0);

const kilobytes = (file: string, field: string): number => {
  try {
    const match = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(file, 'latin1'));
    return Number(match?.[1] ?? 0);
  } catch {
    return 0;
  }
};

/** Proportional resident memory in MB: what several processes share is counted once. */
export const proportionalMemory = (...roots: readonly number[]): number =>
  processTree(...roots).reduce((sum, pid) => sum + kilobytes(`/proc/${pid}/smaps_rollup`, 'Pss'), 0) / 1024;

/** Resident memory in MB: now, and at its highest. */
export const residentMemory = (...roots: readonly number[]): { now: number; highest: number } => {
  const pids = processTree(...roots);
  const total = (field: string) => pids.reduce((sum, pid) => sum + kilobytes(`/proc/${pid}/status`, field), 0) / 1024;
  return { now: total('VmRSS'), highest: total('VmHWM') };
};
