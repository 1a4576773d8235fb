import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startChild } from '../../support/child.ts';
import { freePorts } from '../../support/free-port.ts';
import { launcher, repository } from '../../support/process.ts';
import { waitFor } from '../../support/wait-for.ts';
import { serverName, writeHarakaFolder } from './haraka-folder.ts';
import { listening, readProbe, removeFolder, type Server, type ServerOptions, serverEnvironment } from './server.ts';

/** Whether there is a bridge to compare with; `HARAKA_ORACLE_ONLY=1` says that there is none, for who writes cases. */
export const bridgeExists = (): boolean =>
  process.env.HARAKA_ORACLE_ONLY !== '1' && existsSync(join(repository, 'plugins/haraka/index.ts'));

/** Sluice as its own process, the same plugins and files in its bridge, and its own delivery behind it. */
export const startSluiceServer = async (options: ServerOptions): Promise<Server> => {
  const [port = 0, api = 0] = await freePorts(2);
  const folder = await writeHarakaFolder(options.folder, {
    plugins: options.plugins,
    proxy: options.proxy,
    files: options.files,
  });
  const configuration = {
    mode: 'embedded',
    hostname: serverName,
    data_dir: join(folder.path, 'data'),
    smtp: {
      listeners: [
        {
          name: 'relay',
          address: '127.0.0.1',
          port,
          starttls: 'plugin',
          auth: 'plugin',
          require_login: false,
          proxy_protocol: options.proxy ? ['127.0.0.1/32'] : [],
        },
      ],
    },
    api: { address: '127.0.0.1', port: api },
    observability: { port: 0 },
    plugins: [
      {
        use: 'haraka',
        may_grant: true,
        timeout: '60s',
        config: { plugins: [...options.plugins], config_dir: '.' },
      },
      {
        use: 'delivery',
        config: { upstreams: [{ name: 'sink', host: '127.0.0.1', port: options.sink.port, tls: 'none' }] },
      },
    ],
  };
  await writeFile(join(folder.path, 'sluice.yaml'), stringify(configuration));
  const child = startChild(process.execPath, [launcher, 'start', 'all', '--config', join(folder.path, 'sluice.yaml')], {
    cwd: folder.path,
    env: serverEnvironment(options),
  });
  const output = () => child.stdout() + child.stderr();
  await listening('Sluice', port, child, folder.probeFile);
  await waitFor('Sluice to be ready', async () => (await fetch(`http://127.0.0.1:${api}/health/ready`)).ok, {
    detail: output,
    timeout: 30_000,
  });
  return {
    port,
    proxy: options.proxy,
    sink: options.sink,
    probe: () => readProbe(folder.probeFile),
    output,
    [Symbol.asyncDispose]: async () => {
      await child.stop();
      await removeFolder(folder.path);
    },
  };
};
