import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import type { Clock } from '../../core/domain/clock.ts';
import { pluginIdentity } from '../../core/domain/identity.ts';
import type { Logger } from '../../core/observability/log.ts';
import type { LivePlugin, Session } from '../../core/pipeline/plugin.ts';
import type { SessionControls } from '../../core/pipeline/session-control.ts';
import type { Send } from '../../core/storage/ports/send.ts';
import type { HarakaConfig } from './config.ts';
import { smtpHooks } from './gates/smtp-hooks.ts';
import { HookRunner } from './hook-runner.ts';
import { type HarakaProcess, harakaProcess } from './host/haraka-process.ts';
import { harakaHome } from './host/home.ts';
import { PluginHost } from './host/plugin-host.ts';
import type { Libraries } from './libraries.ts';
import type {} from './notes.ts';
import { createOutbound } from './outbound/outbound-facade.ts';
import { workerHooks } from './outbound/worker-hooks.ts';
import { connectionOf, type OpenConnection } from './session/connections.ts';
import type { MessageLimits } from './session/haraka-transaction.ts';
import { prepareHandshakes, type TlsModule } from './session/socket-facade.ts';

/** What `init` of the plugin hands on. */
export interface BridgeStart {
  readonly id: string;
  readonly role: 'smtp' | 'worker';
  readonly config: HarakaConfig;
  /** Folder of the configuration file. */
  readonly folder: string;
  readonly clock: Clock;
  readonly hostname: string;
  readonly send: Send;
  readonly controls: SessionControls;
  readonly log: Logger;
}

/** Messages above this stand in a file while plugins read them: memory stays bounded however large they are. */
const inMemory = 1024 * 1024;
const headerLines = 1_000;

/** One bridge: a list of Haraka's plugins at one place of the pipeline, with a configuration folder of its own. */
export class Bridge {
  readonly id: string;
  readonly process: HarakaProcess;
  readonly libraries: Libraries;
  readonly constants: Libraries['constants'];
  readonly runner: HookRunner;
  readonly config: HarakaConfig;
  readonly hostname: string;
  readonly log: Logger;
  readonly limits: MessageLimits;
  readonly #controls: SessionControls;

  constructor(start: BridgeStart, host: PluginHost) {
    this.id = start.id;
    this.process = host.process;
    this.libraries = host.process.libraries;
    this.constants = this.libraries.constants;
    this.runner = new HookRunner(host);
    this.config = start.config;
    this.hostname = start.hostname;
    this.log = start.log;
    this.#controls = start.controls;
    this.limits = messageLimits(host);
  }

  open(session: Session): OpenConnection {
    return connectionOf(session, this.process, this.#controls, this.hostname);
  }
}

/** What `connection.ini` says of messages; a site that asks for more memory than we give gets files instead. */
function messageLimits({ files }: Pick<PluginHost, 'files'>): MessageLimits {
  const settings = files.get('connection.ini') as {
    readonly main?: { readonly spool_after?: unknown; readonly spool_dir?: unknown };
    readonly headers?: { readonly max_lines?: unknown };
  };
  const after = Number(settings.main?.spool_after ?? -1);
  return {
    main: {
      spool_after: after >= 0 && after < inMemory ? after : inMemory,
      spool_dir: String(settings.main?.spool_dir ?? tmpdir()),
    },
    headers: { max_lines: Number(settings.headers?.max_lines ?? headerLines) || headerLines },
  };
}

/** Loads and registers the plugins, runs their `init_master`, and answers the hooks they have a use for. */
export async function startBridge(start: BridgeStart): Promise<LivePlugin> {
  const home = harakaHome(start.config.config_dir, start.folder);
  const process = await harakaProcess(home, start.log);
  process.outbound ??= outboundOf(process, start);
  const host = new PluginHost(process, home);
  const names = start.config.plugins ?? listedPlugins(host);
  process.hosts.add(host);
  try {
    await host.load(names);
    await listsRead();
    if (start.role === 'smtp' && names.includes('tls'))
      await prepareHandshakes(host.coreModule('tls_socket') as TlsModule);
    const bridge = new Bridge(start, host);
    await initialise(bridge);
    const untell = logHooks(bridge);
    return {
      hooks: start.role === 'smtp' ? smtpHooks(bridge) : workerHooks(workerParts(bridge, host, start)),
      close: async () => {
        untell();
        process.hosts.delete(host);
        await host.shutdown();
      },
    };
  } catch (error) {
    process.hosts.delete(host);
    await host.shutdown();
    throw error;
  }
}

/** Haraka's outbound, the one of the process: its mail belongs to the bridge that started first. */
function outboundOf(process: HarakaProcess, { id, send, hostname }: BridgeStart) {
  const { libraries, log: harakasLog } = process;
  const { files } = libraries;
  return createOutbound({
    libraries,
    files,
    send,
    hostname,
    harakasLog,
    runners: () => Array.from(process.hosts, (host) => new HookRunner(host)),
    identity: pluginIdentity(id),
    limits: messageLimits({ files }),
  });
}

const workerParts = ({ runner, libraries, process }: Bridge, { files }: PluginHost, { log, clock }: BridgeStart) => ({
  runner,
  libraries,
  files,
  harakasLog: process.log,
  log,
  clock,
});

/** `haraka-tld` reads its lists of suffixes after it was loaded; before that its answers are wrong. Each package may have its copy. */
async function listsRead(): Promise<void> {
  const { cache } = createRequire(import.meta.url);
  for (const [path, module] of Object.entries(cache)) {
    if (/[\\/]haraka-tld[\\/]index\.js$/.test(path)) await module?.exports.ready;
  }
}

const listedPlugins = ({ files }: PluginHost): string[] => {
  const listed = files.get('plugins', 'list');
  return Array.isArray(listed) ? listed.map(String) : [];
};

/** Haraka ends the process where one of these says anything but OK or CONT: here the start fails. */
async function initialise({ runner, process, constants }: Bridge): Promise<void> {
  const { code, message, plugin } = await runner.run('init_master', process.server);
  if (code === constants.cont || code === constants.ok) return;
  throw new Error(`the plugin ${plugin} refused to start: ${String(message ?? constants.translate(code))}`);
}

/** Lines of the log go to `log` hooks, where there are any. */
function logHooks({ runner, process }: Bridge): () => void {
  if (!runner.has('log')) return () => undefined;
  const target = process.log.addTo({ hook: null, transaction: null, name: 'logger' }, 'logger');
  return process.log.tellAlso((item) => void runner.run('log', target, item).catch(() => undefined));
}
