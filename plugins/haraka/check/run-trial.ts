import { fork } from 'node:child_process';
import { moduleBeside } from '../../../core/domain/module-beside.ts';
import { type Registered, ready, type SiteSettings, type Trial, type TrialFailure } from './trial.ts';

export interface TrialOptions {
  /** Environment of the child. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds it may take. */
  readonly timeout: number;
}

type Answer<T extends Trial> = (T extends { job: 'settings' } ? SiteSettings : Registered) | TrialFailure;

/** Runs a trial in a process of its own, which is gone when this resolves. A child that hangs or ends is a failure, too. */
export function runTrial<T extends Trial>(home: string, trial: T, { env, timeout }: TrialOptions): Promise<Answer<T>> {
  const child = fork(moduleBeside('./trial-process', import.meta.url), [home], {
    cwd: home,
    // Some of the libraries look there for the folder.
    env: { ...env, HARAKA: home },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = `${complaint}${text}`.slice(-4_000);
  });
  return new Promise((resolve) => {
    let answer: Answer<T> | undefined;
    let timer: NodeJS.Timeout | undefined;
    const end = (given: Answer<T>): void => {
      answer ??= given;
      child.kill('SIGKILL');
    };
    const fail = (reason: string): void => end({ failed: reason, said: [] });
    child.on('message', (message) => {
      if (message !== ready) return end(message as Answer<T>);
      // Counted from here: what the machine takes to start a process is no fault of the plugin.
      timer = setTimeout(() => fail(`it did not register within ${timeout / 1_000} s`), timeout);
      child.send(trial, (error) => {
        if (error !== null) fail(error.message);
      });
    });
    child.once('error', (error) => fail(error.message));
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const said = complaint.split('\n').find((line) => /error/i.test(line)) ?? '';
      resolve(answer ?? { failed: `it ended the process (${code ?? signal}) ${said}`.trim(), said: [] });
    });
  });
}
