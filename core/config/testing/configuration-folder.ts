import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Problem, SluiceError } from '../../domain/errors.ts';
import { type LoadedConfiguration, type LoadOptions, loadConfiguration } from '../load.ts';

/** A folder of its own for configuration files, gone when disposed. */
export class ConfigurationFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'sluice-config-'));

  write(name: string, text: string): string {
    const file = join(this.path, name);
    writeFileSync(file, text);
    return file;
  }

  /** Loads `text` as a configuration file of this folder. */
  load(text: string, options: Partial<LoadOptions> = {}): Promise<LoadedConfiguration> {
    return loadConfiguration({ path: this.write('sluice.yaml', text), env: {}, cwd: this.path, ...options });
  }

  /** Loads what must not load; answers the problems, file names without their folder. */
  async problems(text: string, options: Partial<LoadOptions> = {}): Promise<string[]> {
    const error = await this.load(text, options).then(
      () => new Error('it loaded'),
      (reason: unknown) => reason,
    );
    if (error instanceof SluiceError && error.code === 'CONFIG_INVALID') return error.problems.map(showProblem);
    throw error;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

export const showProblem = ({ path, message, line, variable }: Problem): string =>
  `${variable ?? (line === undefined ? 'file' : `line ${line}`)}: ${path} ${message}`;
