import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../../../../tests/support/temporary-folder.ts';

/** A file system of its own, in memory; needs root. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Occupies so many bytes until `free`. */
  occupy(bytes: number): Promise<void>;
  free(): Promise<void>;
  /** Mounts it anew for reading only; nothing on it may be open. */
  makeReadOnly(): void;
}

/** `megabytes` in all. */
export async function smallDisk(megabytes: number): Promise<SmallDisk> {
  const folder = await temporaryFolder('disk');
  const { path } = folder;
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path]);
  const filler = join(path, 'filler');
  return {
    path,
    occupy: (bytes) => writeFile(filler, Buffer.alloc(bytes, 1)),
    free: () => rm(filler, { force: true }),
    makeReadOnly: () => {
      execFileSync('mount', ['-o', 'remount,ro', path]);
    },
    async [Symbol.asyncDispose]() {
      execFileSync('umount', ['-l', path]);
      await folder.remove();
    },
  };
}
