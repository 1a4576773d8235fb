import type { Logger } from '../../../core/observability/log.ts';
import { type Libraries, loadLibraries } from '../libraries.ts';
import { Connection } from '../session/haraka-connection.ts';
import { connectionFacade, loggerFacade, pluginsFacade } from './facades.ts';
import { installGlobals } from './globals.ts';
import { addPluginLog } from './haraka-plugin.ts';
import { HarakasLog, type LogMethods } from './harakas-log.ts';
import type { PluginHost } from './plugin-host.ts';
import { createServerObject, type ServerObject } from './server-object.ts';

/** What all bridges of a process share, since Haraka's plugins do: constants, `server`, the log, core modules. */
export interface HarakaProcess {
  readonly libraries: Libraries;
  readonly log: HarakasLog;
  readonly server: ServerObject & LogMethods;
  /** Live bridges, in the order of their start. */
  readonly hosts: Set<PluginHost>;
  /** What stands for Haraka's own modules, by their names. */
  facades(): Readonly<Record<string, unknown>>;
  /** Haraka's `outbound`; set by the first bridge. */
  outbound: Readonly<Record<string, unknown>> | undefined;
}

let shared: Promise<HarakaProcess> | null = null;

/**
 * The one of this process; the first bridge's folder and log are what it is made with. Rejects where Haraka's libraries
 * cannot be loaded; the next bridge tries anew.
 */
export function harakaProcess(home: string, log: Logger): Promise<HarakaProcess> {
  shared ??= create(home, log).catch((error: unknown) => {
    shared = null;
    throw error;
  });
  return shared;
}

async function create(home: string, logger: Logger): Promise<HarakaProcess> {
  const libraries = await loadLibraries(home, logger);
  const log = new HarakasLog(logger);
  log.addTo(Connection.prototype);
  const server = createServerObject(libraries.files, log);
  const hosts = new Set<PluginHost>();
  installGlobals(libraries, server);
  addPluginLog(log);
  const logger_ = loggerFacade(log);
  const plugins = pluginsFacade(hosts, server, libraries.files);
  const connection = connectionFacade();
  server.logger = logger_;
  server.plugins = plugins;
  const process: HarakaProcess = {
    libraries,
    log,
    server,
    hosts,
    outbound: undefined,
    facades: () => {
      const { outbound } = process;
      return { server, logger: logger_, plugins, connection, outbound, 'outbound/queue': outbound?.queue };
    },
  };
  return process;
}
