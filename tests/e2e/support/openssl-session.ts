import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cleanEnvironment } from '../../support/child.ts';
import { findProgram } from '../../support/find-program.ts';
import { waitFor } from '../../support/wait-for.ts';

/** A person with `openssl s_client`: types octets, reads replies. */
export interface OpensslSession extends AsyncDisposable {
  /** Types the octets and reads the next whole reply; fails where its code is another. */
  say(octets: string, code: number): Promise<string>;
}

/** Opens `openssl s_client -quiet` with further arguments such as `['-starttls', 'smtp']`. */
export const openOpenssl = async (port: number, args: readonly string[]): Promise<OpensslSession> => {
  const program = findProgram('openssl') ?? 'openssl';
  const child = spawn(program, ['s_client', '-quiet', '-connect', `127.0.0.1:${port}`, ...args], {
    env: cleanEnvironment(),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  let heard = '';
  let errors = '';
  let read = 0;
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    heard += text;
  });
  child.stderr.setEncoding('latin1').on('data', (text: string) => {
    errors += text;
  });
  child.stdin.on('error', () => undefined);
  const reply = async (code: number): Promise<string> => {
    const text = await waitFor(
      'a reply to openssl',
      () => /^(?:\d{3}-.*\r?\n)*\d{3} .*\r?\n/.exec(heard.slice(read))?.[0],
      {
        detail: () => errors + heard,
      },
    );
    read += text.length;
    if (!text.startsWith(`${code}`)) throw new Error(`answered ${text}, not ${code}`);
    return text;
  };
  return {
    say: (octets, code) => {
      if (octets !== '') child.stdin.write(octets, 'latin1');
      return reply(code);
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      child.kill();
      await closed;
    },
  };
};
