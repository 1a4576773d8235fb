import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type Client, type ClientOptions, createClient } from '../admin-api/client/client.ts';
import { getLiveness } from '../admin-api/routes/health.ts';
import { clientSettings } from '../core/config/client-settings.ts';
import type { Environment } from '../core/config/environment.ts';
import { type LoadedConfiguration, loadConfiguration } from '../core/config/load.ts';
import { SluiceError } from '../core/domain/errors.ts';
import type { Offline } from '../processes/offline.ts';
import { Output, type Sink } from './output.ts';

/** What the program is run with; a test hands in its own. */
export interface Surroundings {
  readonly env: Environment;
  readonly cwd: string;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Sink;
  readonly stderr: Sink;
}

/** Options that every command takes. */
interface GlobalOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly url?: string;
  readonly token?: string;
}

/** One run of a command: its options, its output, its way to a running Sluice. */
export class CommandContext {
  readonly surroundings: Surroundings;
  readonly output: Output;
  readonly #options: GlobalOptions;
  #client: Promise<Client> | undefined;
  #offline: Offline | undefined;

  constructor(surroundings: Surroundings, command: Command) {
    this.surroundings = surroundings;
    this.#options = command.optsWithGlobals<GlobalOptions>();
    this.output = new Output(surroundings.stdout, surroundings.stderr, this.#options.json === true);
  }

  get configPath(): string | undefined {
    return this.#options.config;
  }

  /** The configuration without a look at the plugins' own settings: enough to find the data folder. */
  configuration(): Promise<LoadedConfiguration> {
    const { env, cwd } = this.surroundings;
    return loadConfiguration({ path: this.#options.config, env, cwd });
  }

  /**
   * A client of the Sluice at `--url`, or of the one that uses this configuration's data folder. Where none runs and
   * `offline` allows it, commands work on the data folder itself: `existing` unless it was never used.
   */
  connect(offline: 'no' | 'existing' | 'new' = 'no'): Promise<Client> {
    this.#client ??= this.#connect(offline);
    return this.#client;
  }

  /** Where the Sluice is that is asked, if it runs: that at `--url`, or the one that uses this data folder. */
  async target(): Promise<ClientOptions> {
    return this.#remote() ?? this.#local((await this.configuration()).config);
  }

  #local(config: LoadedConfiguration['config']): ClientOptions {
    return { socketPath: join(config.data_dir, 'control.sock') };
  }

  #remote(): ClientOptions | null {
    const settings = clientSettings(this.surroundings.env);
    const url = this.#options.url ?? settings.url;
    const token = this.#options.token ?? settings.token;
    if (url !== undefined) {
      if (!URL.canParse(url)) {
        throw new SluiceError('REQUEST_INVALID', `--url ${url} is no URL; try http://127.0.0.1:8080`);
      }
      return { url, ...(token === undefined ? {} : { token }) };
    }
    if (token !== undefined) throw new SluiceError('REQUEST_INVALID', 'a token needs --url (or SLUICE_URL) to go to');
    return null;
  }

  async #connect(offline: 'no' | 'existing' | 'new'): Promise<Client> {
    const remote = this.#remote();
    if (remote !== null) return createClient(remote);
    const { config } = await this.configuration();
    const client = createClient(this.#local(config));
    if (config.mode === 'cluster') {
      if (await answers(client)) return client;
      throw new SluiceError(
        'SERVICE_UNAVAILABLE',
        'no `sluice start api` of this cluster runs on this machine: say --url and --token (an API key) of one that runs',
      );
    }
    if (offline === 'no' || (await answers(client))) return client;
    if (offline === 'existing' && !existsSync(join(config.data_dir, 'sluice.db'))) return client;
    // Read only now: it brings the database with it.
    const { openOffline } = await import('../processes/offline.ts');
    this.#offline = await openOffline(config);
    this.output.note(`No Sluice is running here: working on ${config.data_dir} itself.`);
    return this.#offline.client;
  }

  /** Lets go of what the command opened. */
  async close(): Promise<void> {
    await this.#offline?.close();
  }
}

async function answers(client: Client): Promise<boolean> {
  try {
    await client.call(getLiveness);
    return true;
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'SERVICE_UNAVAILABLE') return false;
    throw error;
  }
}

/** Runs one command with the context made from its options. */
export type RunCommand<A extends unknown[]> = (context: CommandContext, ...values: A) => Promise<void> | void;
