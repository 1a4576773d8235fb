import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { runChild } from './child.ts';

const sources = join(import.meta.dirname, 'mongo-java-server');
const copyDependencies = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/** Maven finds its repositories as whoever runs the tests has told it to. */
const ownEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );

async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, stdout, stderr } = await runChild(command, args, { cwd, env: ownEnvironment(), timeout: 600_000 });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
}

const files = ['pom.xml', 'TestServer.java'];

/** Where it lies once it was fetched; another one for each version of what it is made from. */
async function cacheFolder(): Promise<string> {
  const digest = createHash('sha256');
  for (const file of files) digest.update(await readFile(join(sources, file)));
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sluice-tests');
  return join(cache, `mongo-java-server-${digest.digest('hex').slice(0, 12)}`);
}

export const isMongoJavaServerFetched = async (): Promise<boolean> => existsSync(await cacheFolder());

/**
 * The class path of mongo-java-server (a server in Java that speaks MongoDB's protocol) and of the class `TestServer`.
 * Fetched by Maven and compiled once for a user, into `~/.cache/sluice-tests`.
 */
export async function mongoJavaServer(): Promise<string> {
  const folder = await cacheFolder();
  const classPath = `${folder}:${join(folder, 'lib')}/*`;
  if (existsSync(folder)) return classPath;
  await mkdir(dirname(folder), { recursive: true });
  const draft = await mkdtemp(join(dirname(folder), 'draft-'));
  try {
    for (const file of files) await cp(join(sources, file), join(draft, file));
    await run('mvn', ['--quiet', '--batch-mode', copyDependencies, '-DoutputDirectory=lib'], draft);
    await run('javac', ['-cp', 'lib/*', 'TestServer.java'], draft);
    // Of several runs at once the first one's is taken.
    await rename(draft, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return classPath;
}
