import { Readable, Writable } from 'node:stream';
import type { Environment } from '../../core/config/environment.ts';
import { runCommandLine } from '../program.ts';

class Written extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly columns = 60;

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}

export interface Run {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in this process, with streams of its own. */
export async function runInProcess(
  words: readonly string[],
  given: { cwd: string; env?: Environment; stdin?: string; terminal?: boolean },
): Promise<Run> {
  const stdout = new Written(given.terminal === true);
  const stderr = new Written(given.terminal === true);
  const stdin = Readable.from([given.stdin ?? '']);
  const exit = await runCommandLine(words, { env: given.env ?? {}, cwd: given.cwd, stdin, stdout, stderr });
  return { exit, stdout: stdout.text, stderr: stderr.text };
}
