import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cleanEnvironment, runChild } from '../../support/child.ts';
import { repository } from '../../support/process.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** A person's environment: nothing on PATH that npm put there for us, so that the system's own Node is what `npm` meets. */
export function personsEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const environment = cleanEnvironment(extra);
  const path = (environment.PATH ?? '').split(':').filter((folder) => !folder.includes('node_modules'));
  return { ...environment, PATH: path.join(':') };
}

/** The working tree without what git ignores: what a clone would hold once all is committed. */
export async function freshClone(): Promise<{ path: string; remove(): Promise<void> }> {
  const folder = await temporaryFolder('clone');
  const { stdout } = await runChild('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: repository,
    env: personsEnvironment(),
  });
  for (const name of stdout.split('\0').filter(Boolean)) {
    const target = join(folder.path, name);
    await mkdir(dirname(target), { recursive: true });
    // A file that was deleted and not yet committed is listed, too.
    await cp(join(repository, name), target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
  return folder;
}
