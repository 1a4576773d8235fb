import { join } from 'node:path';
import { startChild } from '../../tests/support/child.ts';
import type { LoadResult, LoadSettings } from './load-settings.ts';

let runs = 0;

/** A mark for the messages of one run, the same length for each. */
export const nextRun = (): string => {
  runs += 1;
  return `${process.pid.toString(36)}-${String(runs).padStart(4, '0')}`;
};

export interface RunningLoad {
  settings: LoadSettings;
  /** Rejects when the generator dies or the deadline passes. */
  result: Promise<LoadResult>;
}

/** Starts a generator in a process of its own. `deadline` in milliseconds. */
export const startLoad = (settings: LoadSettings, deadline = 600_000): RunningLoad => {
  const child = startChild(process.execPath, [join(import.meta.dirname, 'generator.ts'), JSON.stringify(settings)], {
    ipc: true,
  });
  const result = new Promise<LoadResult>((resolve, reject) => {
    const timer = setTimeout(() => child.signal('SIGKILL'), deadline);
    child.process.once('message', (message) => {
      clearTimeout(timer);
      resolve(message as LoadResult);
    });
    void child.exited.then((exit) => {
      clearTimeout(timer);
      reject(new Error(`the generator ended with ${exit.code ?? exit.signal}: ${child.stderr()}`));
    });
  });
  return { settings, result };
};

/** Runs a load to its end; a refused message is an error, since rates with refusals compare nothing. */
export const runLoad = async (settings: LoadSettings, deadline?: number): Promise<LoadResult> => {
  const result = await startLoad(settings, deadline).result;
  if (result.accepted !== settings.messages) {
    throw new Error(`${result.accepted} of ${settings.messages} accepted; refused: ${JSON.stringify(result.refused)}`);
  }
  return result;
};
