import { cleanEnvironment, type Exit, runChild } from './child.ts';

/** Runs a Python 3 program given as text, `args` as its sys.argv[1:]. */
export const runPython = (
  program: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Exit & { stdout: string; stderr: string }> =>
  runChild('python3', ['-', ...args], {
    input: program,
    env: cleanEnvironment({ PYTHONDONTWRITEBYTECODE: '1', ...env }),
  });
