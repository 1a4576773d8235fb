import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { ConfigInput } from '../../core/config/schema.ts';
import { type Child, cleanEnvironment, type Exit, startChild } from './child.ts';
import { freePorts } from './free-port.ts';
import { greeting } from './tcp-ready.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { waitFor } from './wait-for.ts';

export const repository = resolve(import.meta.dirname, '../..');
export const launcher = join(repository, 'bin/sluice.js');

export interface SluiceOptions {
  /** Changes the configuration that is written for it; see `defaultConfiguration`. */
  configure?: (config: ConfigInput, ports: SluicePorts) => ConfigInput;
  /** Added to the cleaned environment. */
  env?: Readonly<Record<string, string>>;
  /** Further arguments after `start all --config FILE`. */
  args?: readonly string[];
  /** A command that wraps node, such as `['prlimit', '--nofile=64']`. */
  wrapper?: readonly string[];
  /** Folder for configuration and data; default: a temporary one, removed by `stop`. */
  folder?: string;
  /** Milliseconds until it must be ready; default 20,000. */
  startTimeout?: number;
}

export interface SluicePorts {
  smtp: number;
  api: number;
}

export interface Sluice extends AsyncDisposable {
  readonly ports: SluicePorts;
  readonly api: string;
  readonly folder: string;
  readonly dataFolder: string;
  readonly configFile: string;
  /** The process that runs now. */
  readonly child: Child;
  /** Everything all its processes have printed, the first first. */
  output(): string;
  /** SIGKILL, at once. */
  kill(): Promise<Exit>;
  /** SIGTERM; resolves with how it ended. */
  terminate(grace?: number): Promise<Exit>;
  /** Starts it again on the same folder and ports after `kill` or `terminate`. */
  start(): Promise<void>;
  /** Stops it and removes a temporary folder. */
  stop(): Promise<void>;
}

const plugins = ['auth', 'blacklist', 'rate-limit', 'domain-whitelist', 'quota', 'delivery'];

/** All shipped plugins but the Haraka bridge, one listener with STARTTLS on loopback, everything on free ports. */
export const defaultConfiguration = (ports: SluicePorts, dataFolder: string): ConfigInput => ({
  mode: 'embedded',
  hostname: 'relay.test',
  data_dir: dataFolder,
  smtp: { listeners: [{ name: 'relay', address: '127.0.0.1', port: ports.smtp }] },
  api: { address: '127.0.0.1', port: ports.api },
  observability: { port: 0 },
  plugins: plugins.map((use) => ({ use })),
});

/** Ready when it greets on SMTP and its API says so. */
const ready = async (ports: SluicePorts, child: Child, timeout: number, output: () => string): Promise<void> => {
  await waitFor(
    'Sluice to be ready',
    async () => {
      if (child.exit() !== undefined) return true;
      await greeting(ports.smtp);
      const answer = await fetch(`http://127.0.0.1:${ports.api}/health/ready`);
      await answer.arrayBuffer();
      return answer.status === 200;
    },
    { timeout, detail: output },
  );
  const exit = child.exit();
  if (exit !== undefined) throw new Error(`Sluice ended with ${exit.code ?? exit.signal}: ${output()}`);
};

/** Runs the real `bin/sluice.js start all` as a child with a cleaned environment, a folder and free ports of its own. */
export const startSluice = async (options: SluiceOptions = {}): Promise<Sluice> => {
  const temporary = options.folder === undefined ? await temporaryFolder('process') : undefined;
  const folder = options.folder ?? temporary?.path ?? '';
  const [smtp = 0, api = 0] = await freePorts(2);
  const ports = { smtp, api };
  const dataFolder = join(folder, 'data');
  const configFile = join(folder, 'sluice.yaml');
  await mkdir(folder, { recursive: true });
  const initial = defaultConfiguration(ports, dataFolder);
  await writeFile(configFile, stringify(options.configure?.(initial, ports) ?? initial));

  const runs: Child[] = [];
  const output = () => runs.map((run) => run.stdout() + run.stderr()).join('');
  const current = (): Child => {
    const last = runs.at(-1);
    if (last === undefined) throw new Error('Sluice was never started');
    return last;
  };
  const start = async () => {
    const node = [process.execPath, launcher, 'start', 'all', '--config', configFile, ...(options.args ?? [])];
    const [command = '', ...args] = [...(options.wrapper ?? []), ...node];
    const child = startChild(command, args, { cwd: folder, env: cleanEnvironment(options.env) });
    runs.push(child);
    await ready(ports, child, options.startTimeout ?? 20_000, output);
  };
  const stop = async () => {
    await runs.at(-1)?.stop();
    await temporary?.remove();
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ports,
    api: `http://127.0.0.1:${api}`,
    folder,
    dataFolder,
    configFile,
    get child() {
      return current();
    },
    output,
    kill: () => current().kill(),
    terminate: (grace = 35_000) => current().stop(grace),
    start,
    stop,
    [Symbol.asyncDispose]: stop,
  };
};

/** Runs `sluice` with other arguments to its end, for the commands that do not serve. */
export const sluiceCommand = (args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd?: string) => {
  const child = startChild(process.execPath, [launcher, ...args], {
    env: cleanEnvironment(env),
    ...(cwd === undefined ? {} : { cwd }),
  });
  return child.exited.then((exit) => ({ ...exit, stdout: child.stdout(), stderr: child.stderr() }));
};
