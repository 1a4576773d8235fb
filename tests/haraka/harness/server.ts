import { readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { CaptureSink } from '../../support/capture-sink.ts';
import { type Child, cleanEnvironment } from '../../support/child.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { Case, ConfigFiles, Setup } from './plugin-cases.ts';

/** What a server under comparison is started with. */
export interface ServerOptions {
  /** Empty folder of its own. */
  readonly folder: string;
  readonly plugins: readonly string[];
  readonly files: ConfigFiles;
  readonly setup: Setup;
  readonly proxy: boolean;
  /** `127.0.0.1:port` of the DNS server. */
  readonly dns: string;
  readonly sink: CaptureSink;
}

/** A server under comparison, as its own process. */
export interface Server extends AsyncDisposable {
  readonly port: number;
  readonly proxy: boolean;
  readonly sink: CaptureSink;
  /** Lines of the probe, oldest first. */
  probe(): Promise<readonly ProbeLine[]>;
  output(): string;
}

/** One line of the probe: `event` is `transaction` or `connection`. */
export type ProbeLine = Readonly<Record<string, unknown>> & { readonly event: string };

export const needsProxy = (cases: readonly Pick<Case, 'client' | 'earlier'>[]): boolean =>
  cases.some(({ client, earlier = [] }) => client !== undefined || needsProxy(earlier));

/** Environment of a server: ours cleaned, and the DNS server of the test in the place of the machine's. */
export const serverEnvironment = ({ dns, setup }: ServerOptions): Record<string, string> =>
  cleanEnvironment({
    HARAKA_TEST_DNS: dns,
    NODE_OPTIONS: `--import ${join(import.meta.dirname, 'preload.mjs')}`,
    ...setup.environment,
  });

const accepts = (port: number): Promise<true> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', reject);
  });

/** Resolves when the process listens; fails with its own words when it ends before. */
export const listening = async (name: string, port: number, child: Child, probeFile: string): Promise<void> => {
  const output = () => child.stdout() + child.stderr();
  await waitFor(`${name} to listen`, async () => child.exit() !== undefined || accepts(port), {
    timeout: 120_000,
    interval: 50,
    detail: output,
  });
  if (child.exit() !== undefined) throw new Error(`${name} has ended: ${output()}`);
  // The connection just made is no session of a case; a server that does not print its end is found out by all cases.
  const printed = async () => (await readProbe(probeFile)).length > 0;
  await waitFor('the end of the first connection', printed, { timeout: 2_000 }).catch(() => undefined);
};

export const readProbe = async (file: string): Promise<ProbeLine[]> =>
  (await readFile(file, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

export const removeFolder = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 5 });
