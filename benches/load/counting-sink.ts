import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { cleanEnvironment } from '../../tests/support/child.ts';
import { freePort } from '../../tests/support/free-port.ts';
import { connects } from '../../tests/support/tcp-ready.ts';
import { waitFor } from '../../tests/support/wait-for.ts';

/** The upstream of a timed run: Debian's smtp-sink, which costs the machine least. */
export interface CountingSink extends AsyncDisposable {
  readonly port: number;
  /** Messages taken so far. */
  count(): number;
  stop(): Promise<void>;
}

/** Its counters go to a file, so that counting wakes nobody up while the run lasts. */
export const startCountingSink = async (folder: string): Promise<CountingSink> => {
  const port = await freePort();
  const file = openSync(join(folder, `sink-${port}.count`), 'w+');
  const args = ['-c', '-m', '1000', ...(process.getuid?.() === 0 ? ['-u', 'nobody'] : []), `127.0.0.1:${port}`, '1000'];
  const child: ChildProcess = spawn('smtp-sink', args, {
    stdio: ['ignore', file, 'inherit'],
    env: cleanEnvironment(),
  });
  const killed = () => child.kill('SIGKILL');
  process.once('exit', killed);
  const tail = Buffer.alloc(160);
  const count = () => {
    const { size } = fstatSync(file);
    const length = readSync(file, tail, 0, tail.length, Math.max(0, size - tail.length));
    return Number([...tail.toString('latin1', 0, length).matchAll(/mesg=(\d+)/g)].at(-1)?.[1] ?? 0);
  };
  const stop = async () => {
    process.removeListener('exit', killed);
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      killed();
      await gone;
    }
    closeSync(file);
  };
  await waitFor('smtp-sink', () => connects(port));
  return { port, count, stop, [Symbol.asyncDispose]: stop };
};
