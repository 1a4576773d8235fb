import { readFileSync } from 'node:fs';
import { cpus, getPriority, release, totalmem } from 'node:os';

/** Nice value of this process's session, where the kernel shares processors by session (sched(7), autogroup). */
function sessionPriority(): number {
  try {
    return Number(/nice (-?\d+)/.exec(readFileSync('/proc/self/autogroup', 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** The machine of a report in a few words, and whether this process is given more or less of it than others. */
export function machineName(): string {
  const [first] = cpus();
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  const priorities = [getPriority(), sessionPriority()];
  const nice = priorities.some((one) => one !== 0) ? `, nice ${priorities[0]}, of the session ${priorities[1]}` : '';
  return `${cpus().length} × ${first?.model ?? 'unknown processor'}, ${memory} GB, Linux ${release()}, Node ${process.version}${nice}`;
}
