import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TemporaryFolder extends AsyncDisposable {
  path: string;
  /** Deletes the folder and all in it. */
  remove(): Promise<void>;
}

/** A new folder of our own; `mode` 0o755 lets servers that give up root reach their part of it. */
export const temporaryFolder = async (name: string, mode = 0o700, parent = tmpdir()): Promise<TemporaryFolder> => {
  const path = await mkdtemp(join(parent, `sluice-${name}-`));
  await chmod(path, mode);
  const remove = () => rm(path, { recursive: true, force: true, maxRetries: 5 });
  return { path, remove, [Symbol.asyncDispose]: remove };
};
