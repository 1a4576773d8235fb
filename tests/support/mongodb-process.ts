import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Child, runChild, startChild } from './child.ts';
import { mongoJavaServer } from './mongo-java-server.ts';
import type { MongodbKind } from './mongodb-kind.ts';

/** One way to run a server on a port of 127.0.0.1. */
export interface MongodbProcess {
  /** Whether it is a replica set of one, which has to be initiated. */
  readonly replicaSet: boolean;
  start(): Promise<void>;
  /** In order: what was written is there after the next start, if it was to be kept. */
  end(): Promise<void>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Why it ended by itself, or undefined. */
  failure(): string | undefined;
}

export interface MongodbProcessOptions {
  readonly port: number;
  /** A folder of its own. */
  readonly folder: string;
  /** Whether its data outlive `end`; only mongo-java-server is faster without. */
  readonly keep: boolean;
  /** Memory of mongo-java-server in MB; default 512; an eighth holds pages of its file. */
  readonly memory?: number;
}

export const replicaSetName = 'test';

/** A program of this machine. */
function ofProgram(command: string, args: readonly string[], replicaSet: boolean): MongodbProcess {
  let child: Child | undefined;
  return {
    replicaSet,
    async start() {
      child = startChild(command, args);
    },
    async end() {
      // A frozen one would not hear that it is to end.
      child?.signal('SIGCONT');
      await child?.stop();
      child = undefined;
    },
    async freeze() {
      child?.signal('SIGSTOP');
    },
    async thaw() {
      child?.signal('SIGCONT');
    },
    failure() {
      const exit = child?.exit();
      return exit === undefined ? undefined : `ended with ${exit.code ?? exit.signal}: ${child?.stderr()}`;
    },
  };
}

async function ofDocker(port: number): Promise<MongodbProcess> {
  const name = `sluice-test-${process.pid}-${port}`;
  const docker = async (...args: readonly string[]): Promise<void> => {
    const { code, stdout, stderr } = await runChild('docker', args, { timeout: 300_000 });
    if (code !== 0) throw new Error(`docker ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
  };
  const mongod = ['mongo:8', '--port', String(port), '--bind_ip_all', '--replSet', replicaSetName];
  await docker('create', '--name', name, '--publish', `127.0.0.1:${port}:${port}`, ...mongod);
  return {
    replicaSet: true,
    start: () => docker('start', name),
    end: () => docker('stop', name),
    freeze: () => docker('pause', name),
    thaw: () => docker('unpause', name),
    failure: () => undefined,
  };
}

export async function mongodbProcess(kind: MongodbKind, options: MongodbProcessOptions): Promise<MongodbProcess> {
  const { port, folder, keep, memory = 512 } = options;
  if (kind === 'docker') return ofDocker(port);
  if (kind === 'mongod') {
    const data = join(folder, 'data');
    await mkdir(data);
    const listen = ['--dbpath', data, '--port', String(port), '--bind_ip', '127.0.0.1'];
    return ofProgram('mongod', [...listen, '--replSet', replicaSetName, '--quiet'], true);
  }
  const classPath = await mongoJavaServer();
  const light = [`-Xmx${memory}m`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  const file = keep ? [join(folder, 'data.mv.db')] : [];
  return ofProgram('java', [...light, '-cp', classPath, 'TestServer', String(port), ...file], false);
}
