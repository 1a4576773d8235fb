import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { SluiceError } from '../core/domain/errors.ts';
import type { Surroundings } from './command-context.ts';

const silent = () => new Writable({ write: (_chunk, _encoding, done) => done() });

/** Reads one line; on a terminal without showing it. Undefined when the input ends first. */
function readLine({ stdin, stderr }: Surroundings, question: string): Promise<string | undefined> {
  const terminal = stdin.isTTY === true;
  if (terminal) stderr.write(question);
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: stdin, output: silent(), terminal });
    lines.once('line', (line) => {
      resolve(line);
      lines.close();
    });
    lines.once('SIGINT', () => {
      reject(new SluiceError('REQUEST_INVALID', 'interrupted'));
      lines.close();
    });
    lines.once('close', () => {
      if (terminal) stderr.write('\n');
      resolve(undefined);
    });
  });
}

/** Asks for a password, a new one twice on a terminal; elsewhere takes the first line of standard input. */
export async function readPassword(surroundings: Surroundings, times: 'once' | 'twice'): Promise<string> {
  const password = await readLine(surroundings, times === 'once' ? 'Password: ' : 'Password (8 characters or more): ');
  if (password === undefined || password === '') {
    throw new SluiceError('REQUEST_INVALID', 'no password was given; type one, or hand it in on standard input');
  }
  if (
    times === 'twice' &&
    surroundings.stdin.isTTY === true &&
    (await readLine(surroundings, 'Once more: ')) !== password
  ) {
    throw new SluiceError('REQUEST_INVALID', 'the two passwords differ; nothing was done');
  }
  return password;
}
