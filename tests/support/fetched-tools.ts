import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { runChild } from './child.ts';

/*
 * Programs that no Debian package brings, each of one version, fetched once for a user into `~/.cache/sluice-tests`.
 */

const ownEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );

async function run(command: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  const { code, stdout, stderr } = await runChild(command, args, {
    env: { ...ownEnvironment(), ...env },
    timeout: 900_000,
  });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
}

/** Makes a folder of this name once, whole or not at all; answers its path. */
async function fetched(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sluice-tests', name);
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const draft = await mkdtemp(join(dirname(folder), 'draft-'));
  try {
    await make(draft);
    // Of several runs at once the first one's is taken.
    await rename(draft, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return folder;
}

/** These tools run for seconds; compiling them to be fast would take a minute longer. */
const quickBuild = ['-gcflags=all=-N -l -dwarf=false', '-ldflags=-s -w'];

/** The program of a Go module, built at this version: `helm.sh/helm/v3/cmd/helm@v3.22.0`. */
async function goProgram(module: string): Promise<string> {
  const name = module.replaceAll(/[^a-zA-Z0-9.@-]/g, '-');
  const folder = await fetched(name, (draft) => run('go', ['install', ...quickBuild, module], { GOBIN: draft }));
  return join(folder, (module.split('@')[0] ?? '').split('/').at(-1) ?? '');
}

/** The reference parser of Compose files: prints what it made of one, and refuses a wrong one. */
export const composeParser = (): Promise<string> => goProgram('github.com/compose-spec/compose-go/v2/cmd@v2.16.2');

export const helm = (): Promise<string> => goProgram('helm.sh/helm/v3/cmd/helm@v3.22.0');

/** Folder of Python packages with `kubernetes_validate`, which holds manifests against the schemas of Kubernetes. */
export const kubernetesValidate = (): Promise<string> =>
  fetched('kubernetes-validate-1.37.0', (folder) => {
    const quiet = ['--quiet', '--disable-pip-version-check', '--root-user-action=ignore'];
    return run('python3', ['-m', 'pip', 'install', ...quiet, '--target', folder, 'kubernetes-validate==1.37.0'], {});
  });

/**
 * Folder with MongoDB's own `mongodump` and `mongorestore`. Their module has no versions that `go install` takes, so they
 * are built as what `mongo-tools/go.mod` requires, whose sums stand beside it.
 */
export async function mongoTools(): Promise<string> {
  const module = join(import.meta.dirname, 'mongo-tools');
  const sums = await readFile(join(module, 'go.sum'));
  const name = `mongo-tools-${createHash('sha256').update(sums).digest('hex').slice(0, 12)}`;
  return fetched(name, async (draft) => {
    for (const program of ['mongodump', 'mongorestore']) {
      const source = `github.com/mongodb/mongo-tools/${program}/main`;
      await run('go', ['build', '-C', module, ...quickBuild, '-mod=readonly', '-o', join(draft, program), source], {});
    }
  });
}
