import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The parts of a .cpuprofile of V8 that are read. */
interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  /** Microseconds between two samples. */
  timeDeltas: number[];
}

export interface ThreadProfile {
  /** Milliseconds in which it was not idle; waiting for the disk within a call counts. */
  busy: number;
  /** The costliest functions, by time spent in themselves. */
  functions: { name: string; share: number }[];
}

const place = ({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string => {
  const file = url.split('/').slice(-2).join('/');
  return `${functionName || '(anonymous)'}${file === '' ? '' : ` ${file}:${lineNumber + 1}`}`;
};

const summarise = (profile: CpuProfile, count: number): ThreadProfile => {
  const names = new Map(profile.nodes.map((node) => [node.id, place(node.callFrame)]));
  const times = new Map<string, number>();
  let busy = 0;
  profile.samples.forEach((id, index) => {
    const name = names.get(id) ?? '';
    if (name === '(idle)') return;
    const time = profile.timeDeltas[index] ?? 0;
    busy += time;
    times.set(name, (times.get(name) ?? 0) + time);
  });
  const functions = [...times]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, time]) => ({ name, share: time / busy }));
  return { busy: busy / 1_000, functions };
};

/** Where the time went by thread, the busiest first, from the profiles in a folder (`node --cpu-prof`). */
export const readProfiles = (folder: string, count: number): ThreadProfile[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name): CpuProfile => JSON.parse(readFileSync(join(folder, name), 'utf8')))
    .map((profile) => summarise(profile, count))
    .sort((a, b) => b.busy - a.busy);
