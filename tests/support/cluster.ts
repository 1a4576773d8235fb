import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ConfigInput } from '../../core/config/schema.ts';
import type { ProcessRole } from '../../core/storage/ports/processes.ts';
import { type Child, cleanEnvironment, type Exit, startChild } from './child.ts';
import { freePorts } from './free-port.ts';
import { launcher } from './process.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { waitFor } from './wait-for.ts';

/** One process of a cluster under test. */
export interface ClusterProcess {
  readonly role: ProcessRole;
  /** Of its SMTP listener or its API; null for a worker. */
  readonly port: number | null;
  /** `http://…/health/ready` and `/metrics` are below it. */
  readonly observability: string;
  /** The process that runs now. */
  readonly child: Child;
  /** Everything all its runs have printed. */
  output(): string;
  /** 200 from `/health/ready`. */
  isReady(): Promise<boolean>;
  /** Starts it again after it ended; resolves when it is ready. */
  start(): Promise<void>;
  /** Starts it without waiting for anything. */
  launch(): void;
  ready(timeout?: number): Promise<void>;
  kill(): Promise<Exit>;
  terminate(): Promise<Exit>;
  /** SIGSTOP and SIGCONT. */
  freeze(): void;
  thaw(): void;
}

export interface Cluster extends AsyncDisposable {
  readonly smtp: readonly ClusterProcess[];
  readonly workers: readonly ClusterProcess[];
  readonly apis: readonly ClusterProcess[];
  readonly all: readonly ClusterProcess[];
  /** URL of the first API. */
  readonly api: string;
  readonly folder: string;
  output(): string;
  stop(): Promise<void>;
}

export interface ClusterOptions {
  readonly mongodb: string;
  readonly redis: string;
  /** How many of each; default 1. */
  readonly smtp?: number;
  readonly workers?: number;
  readonly apis?: number;
  /** Changes the configuration that all of them share. */
  readonly configure?: (config: ConfigInput) => ConfigInput;
  /** For all, or for the nth of a role, counted from 0. */
  readonly env?:
    | Readonly<Record<string, string>>
    | ((role: ProcessRole, n: number) => Readonly<Record<string, string>>);
  /** Milliseconds until all must be ready; default 60,000. */
  readonly startTimeout?: number;
  /** False: they are launched, and nothing is waited for. */
  readonly wait?: boolean;
}

const plugins = ['auth', 'blacklist', 'rate-limit', 'domain-whitelist', 'quota', 'delivery'];

/** Ports differ from process to process, and come from the environment. */
const sharedConfiguration = (): ConfigInput => ({
  mode: 'cluster',
  hostname: 'relay.test',
  smtp: { listeners: [{ name: 'relay', address: '127.0.0.1', port: 0 }] },
  plugins: plugins.map((use) => ({ use })),
});

/** Starts real `bin/sluice.js start smtp|worker|api` on one database and one Redis, each with ports of its own. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const folder = await temporaryFolder('cluster');
  const configFile = join(folder.path, 'sluice.yaml');
  const shared = sharedConfiguration();
  await writeFile(configFile, stringify(options.configure?.(shared) ?? shared));
  const roles: ProcessRole[] = [
    ...Array.from({ length: options.apis ?? 1 }, () => 'api' as const),
    ...Array.from({ length: options.smtp ?? 1 }, () => 'smtp' as const),
    ...Array.from({ length: options.workers ?? 1 }, () => 'worker' as const),
  ];
  const ports = await freePorts(roles.length * 2);
  const secret = 'a secret of the tests, long enough for each use';
  const all = await Promise.all(
    roles.map(async (role, n) => {
      const port = ports[2 * n] ?? 0;
      const observability = ports[2 * n + 1] ?? 0;
      const dataFolder = join(folder.path, `${role}-${n}`);
      await mkdir(dataFolder, { recursive: true });
      const env = cleanEnvironment({
        MONGODB_URI: options.mongodb,
        REDIS_URL: options.redis,
        JWT_SECRET: secret,
        SLUICE_SECRETS_KEY: secret,
        SLUICE_DATA_DIR: dataFolder,
        SLUICE_OBSERVABILITY__PORT: String(observability),
        ...(role === 'smtp' ? { SMTP_PORT: String(port) } : {}),
        ...(role === 'api' ? { API_PORT: String(port) } : {}),
        ...(typeof options.env === 'function'
          ? options.env(role, roles.slice(0, n).filter((one) => one === role).length)
          : options.env),
      });
      const begin = () =>
        startChild(process.execPath, [launcher, 'start', role, '--config', configFile], { cwd: folder.path, env });
      return clusterProcess(role, role === 'worker' ? null : port, `http://127.0.0.1:${observability}`, begin);
    }),
  );
  const of = (role: ProcessRole) => all.filter((one) => one.role === role);
  const output = () => all.map((one) => `-- ${one.role}\n${one.output()}`).join('\n');
  const stop = async () => {
    // One that is frozen hears no SIGTERM.
    for (const one of all) one.thaw();
    await Promise.all(all.map((one) => one.terminate()));
    await folder.remove();
  };
  try {
    for (const one of all) one.launch();
    if (options.wait !== false) await Promise.all(all.map((one) => one.ready(options.startTimeout)));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    smtp: of('smtp'),
    workers: of('worker'),
    apis: of('api'),
    all,
    api: `http://127.0.0.1:${of('api')[0]?.port}`,
    folder: folder.path,
    output,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function clusterProcess(
  role: ProcessRole,
  port: number | null,
  observability: string,
  begin: () => Child,
): ClusterProcess {
  const runs: Child[] = [];
  const current = (): Child => {
    const last = runs.at(-1);
    if (last === undefined) throw new Error(`this ${role} was never started`);
    return last;
  };
  const output = () => runs.map((run) => run.stdout() + run.stderr()).join('');
  const isReady = async (): Promise<boolean> => {
    const answer = await fetch(`${observability}/health/ready`).catch(() => null);
    await answer?.arrayBuffer();
    return answer?.status === 200 && current().stdout().includes('Sluice is running');
  };
  const ready = async (timeout = 60_000): Promise<void> => {
    await waitFor(`${role} to be ready`, async () => current().exit() !== undefined || (await isReady()), {
      timeout,
      detail: output,
    });
    const exit = current().exit();
    if (exit !== undefined) throw new Error(`${role} ended with ${exit.code ?? exit.signal}: ${output()}`);
  };
  const launch = () => void runs.push(begin());
  return {
    role,
    port,
    observability,
    get child() {
      return current();
    },
    output,
    isReady,
    async start() {
      launch();
      await ready();
    },
    launch,
    ready,
    kill: () => current().kill(),
    terminate: () => current().stop(35_000),
    freeze: () => current().signal('SIGSTOP'),
    thaw: () => current().signal('SIGCONT'),
  };
}
