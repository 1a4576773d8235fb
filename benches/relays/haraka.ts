import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startChild } from '../../tests/support/child.ts';
import { freePort } from '../../tests/support/free-port.ts';
import { selfSigned } from '../../tests/support/self-signed.ts';
import { greeting } from '../../tests/support/tcp-ready.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import { comparedPlugins, connectionSettings, harakaPackages, harakaProgram, installHaraka } from './haraka-package.ts';
import type { Relay, RelaySetting } from './relay.ts';

/** Sends all mail to the upstream of the run. */
const route = (port: number) => `
exports.hook_get_mx = (next) => next(OK, { priority: 0, exchange: '127.0.0.1', port: ${port} });
`;

const writeConfiguration = async (
  folder: string,
  port: number,
  setting: RelaySetting,
  further: readonly string[],
): Promise<void> => {
  const plugins = [...(setting.startTls ? ['tls'] : []), 'auth/flat_file', 'bench_route', ...further];
  const files: Record<string, string> = {
    'config/smtp.ini': `listen=127.0.0.1:${port}\nnodes=0\n`,
    'config/plugins': `${plugins.join('\n')}\n`,
    'config/me': 'haraka.test\n',
    'config/connection.ini': connectionSettings(),
    'config/log.ini': '[main]\nlevel=warn\nformat=default\n',
    'config/auth_flat_file.ini': '[core]\nmethods=PLAIN\nconstrain_sender=false\n[users]\nbench=bench\n',
    'config/outbound.ini': `local_mx_ok=true\ndisabled=${!setting.sending}\n`,
    'plugins/bench_route.js': route(setting.upstream),
    'package.json': '{ "private": true }\n',
  };
  for (const part of ['config', 'plugins', 'queue']) await mkdir(join(folder, part));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  await symlink(harakaPackages, join(folder, 'node_modules'));
  if (setting.startTls) {
    const { certificate, key } = await selfSigned(join(folder, 'config'));
    await writeFile(join(folder, 'config/tls_cert.pem'), readFileSync(certificate));
    await writeFile(join(folder, 'config/tls_key.pem'), readFileSync(key));
  }
};

const harakaWith = (facts: Pick<Relay, 'name' | 'label' | 'difference'>, further: readonly string[]): Relay => ({
  ...facts,
  relays: true,
  share: 0.25,
  flushes: true,
  missing: () => undefined,
  prepare: installHaraka,
  start: async (setting) => {
    const folder = await mkdtemp(join(setting.folder, 'haraka-'));
    const port = await freePort();
    await writeConfiguration(folder, port, setting, further);
    const child = startChild(process.execPath, [harakaProgram, '-c', folder], { cwd: folder });
    await waitFor(
      'the greeting of Haraka',
      () => {
        if (child.exit() !== undefined) throw new Error('Haraka has ended');
        return greeting(port);
      },
      { timeout: 20_000, detail: () => child.stdout() + child.stderr() },
    );
    return {
      port,
      pids: [child.pid],
      login: { username: 'bench', password: 'bench' },
      stop: async () => {
        await child.kill();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
});

export const haraka = harakaWith(
  {
    name: 'haraka',
    label: 'Haraka',
    difference: 'same login; two plugins only (auth/flat_file and one that names the upstream), log level warn',
  },
  [],
);

/** The same with the plugins that Sluice runs in its bridge beside it. */
export const harakaWithPlugins = harakaWith(
  {
    name: 'haraka-plugins',
    label: 'Haraka, three more plugins',
    difference: `the same, and ${comparedPlugins.join(', ')}`,
  },
  comparedPlugins,
);
