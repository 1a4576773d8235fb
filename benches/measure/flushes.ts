import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from '../../tests/support/child.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import { processTree } from './process-tree.ts';

/** Calls that force what was written to the disk. */
const flushing = 'fsync,fdatasync,sync_file_range,syncfs,msync';

export interface FlushCount extends AsyncDisposable {
  /** Ends the trace and answers how many flushes succeeded. */
  finish(): Promise<number>;
}

/** Counts the flushes of processes, of all below them and of those yet to come, by strace. */
export const countFlushes = async (roots: readonly number[], folder: string): Promise<FlushCount> => {
  const file = join(folder, `flushes-${roots.join('-')}.trace`);
  const pids = processTree(...roots);
  const args = ['-f', '-q', '-e', `trace=${flushing}`, '-e', 'signal=none', '-o', file];
  const trace = startChild('strace', [...args, ...pids.flatMap((pid) => ['-p', `${pid}`])]);
  const tracer = (pid: number) => /^TracerPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  await waitFor('strace to attach', () => pids.every((pid) => tracer(pid) === `${trace.pid}`), {
    detail: trace.stderr,
  });
  return {
    finish: async () => {
      trace.signal('SIGINT');
      await trace.exited;
      return readFileSync(file, 'latin1').match(/= 0$/gm)?.length ?? 0;
    },
    [Symbol.asyncDispose]: async () => {
      await trace.kill();
    },
  };
};
