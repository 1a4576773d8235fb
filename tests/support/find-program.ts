import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Where programs are looked for: PATH, and the folders in which Debian keeps servers. */
export const searchPath = (): string[] =>
  [...new Set([...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'])].filter(Boolean);

/** Absolute path of a program, or undefined. */
export const findProgram = (name: string): string | undefined =>
  searchPath()
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
