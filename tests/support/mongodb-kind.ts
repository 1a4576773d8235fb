import { spawnSync } from 'node:child_process';
import { findProgram } from './find-program.ts';

export type MongodbKind = 'mongod' | 'docker' | 'mongo-java-server';

const dockerAnswers = (): boolean => {
  const docker = findProgram('docker');
  if (docker === undefined) return false;
  // The client alone says so on standard error, and exits with 0 where it is asked for less.
  const { status, stdout } = spawnSync(docker, ['info', '--format', '{{.ServerVersion}}'], { timeout: 5_000 });
  return status === 0 && stdout.toString().trim() !== '';
};

/** Which server tests can start here: of those there are, the one nearest to what users run. */
export function mongodbKind(): MongodbKind | undefined {
  if (findProgram('mongod') !== undefined) return 'mongod';
  if (dockerAnswers()) return 'docker';
  return ['java', 'javac', 'mvn'].every((name) => findProgram(name) !== undefined) ? 'mongo-java-server' : undefined;
}
