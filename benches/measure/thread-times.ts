import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds of processor time by thread of a process; threads of one name are taken together. */
export const threadTimes = (pid: number): Map<string, number> => {
  const times = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1');
    const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    times.set(name, (times.get(name) ?? 0) + (Number(fields[11]) + Number(fields[12])) * 10);
  }
  return times;
};
