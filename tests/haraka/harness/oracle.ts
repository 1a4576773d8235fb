import { startChild } from '../../support/child.ts';
import { freePort } from '../../support/free-port.ts';
import { writeHarakaFolder } from './haraka-folder.ts';
import { listening, readProbe, removeFolder, type Server, type ServerOptions, serverEnvironment } from './server.ts';
import { harakaProgram } from './site.ts';

/** The queue of all setups whose plugins bring none. */
const forward = (sink: number): string =>
  `[main]\nhost=127.0.0.1\nport=${sink}\nenable_outbound=true\nenable_tls=false\n`;

/** A real Haraka of one process. */
export const startOracle = async (options: ServerOptions): Promise<Server> => {
  const port = await freePort();
  const own = options.setup.queue !== 'plugins';
  const plugins = own ? [...options.plugins, 'queue/smtp_forward'] : options.plugins;
  const folder = await writeHarakaFolder(options.folder, {
    plugins,
    proxy: options.proxy,
    files: {
      ...(own ? { 'smtp_forward.ini': forward(options.sink.port) } : {}),
      ...options.files,
      'smtp.ini': `listen=127.0.0.1:${port}\n${options.files['smtp.ini'] ?? 'nodes=0\n'}`,
    },
  });
  const child = startChild(process.execPath, [harakaProgram, '-c', folder.path], {
    cwd: folder.path,
    env: serverEnvironment(options),
  });
  await listening('Haraka', port, child, folder.probeFile);
  return {
    port,
    proxy: options.proxy,
    sink: options.sink,
    probe: () => readProbe(folder.probeFile),
    output: () => child.stdout() + child.stderr(),
    [Symbol.asyncDispose]: async () => {
      await child.kill();
      await removeFolder(folder.path);
    },
  };
};
