import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { cleanEnvironment, runChild, startChild } from '../../tests/support/child.ts';
import { freePort } from '../../tests/support/free-port.ts';
import { selfSigned } from '../../tests/support/self-signed.ts';
import { greeting } from '../../tests/support/tcp-ready.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import type { Relay, RelaySetting } from './relay.ts';

const home = resolve(import.meta.dirname, '../haraka');
const program = join(home, 'node_modules/Haraka/bin/haraka');
const manifest = join(home, 'node_modules/Haraka/package.json');
/** Without the settings of this file it dies at its first connection. */
const connectionSettings = join(home, 'node_modules/Haraka/config/connection.ini');

/** Sends all mail to the upstream of the run. */
const route = (port: number) => `
exports.hook_get_mx = (next) => next(OK, { priority: 0, exchange: '127.0.0.1', port: ${port} });
`;

const writeConfiguration = async (folder: string, port: number, setting: RelaySetting): Promise<void> => {
  const plugins = ['auth/flat_file', 'bench_route'];
  if (setting.startTls) plugins.unshift('tls');
  const files: Record<string, string> = {
    'config/smtp.ini': `listen=127.0.0.1:${port}\nnodes=0\n`,
    'config/plugins': `${plugins.join('\n')}\n`,
    'config/me': 'haraka.test\n',
    'config/connection.ini': readFileSync(connectionSettings, 'utf8'),
    'config/log.ini': '[main]\nlevel=warn\nformat=default\n',
    'config/auth_flat_file.ini': '[core]\nmethods=PLAIN\nconstrain_sender=false\n[users]\nbench=bench\n',
    'config/outbound.ini': `local_mx_ok=true\ndisabled=${!setting.sending}\n`,
    'plugins/bench_route.js': route(setting.upstream),
    'package.json': '{ "private": true }\n',
  };
  for (const part of ['config', 'plugins', 'queue']) await mkdir(join(folder, part));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  if (setting.startTls) {
    const { certificate, key } = await selfSigned(join(folder, 'config'));
    await writeFile(join(folder, 'config/tls_cert.pem'), readFileSync(certificate));
    await writeFile(join(folder, 'config/tls_key.pem'), readFileSync(key));
  }
};

export const haraka: Relay = {
  name: 'haraka',
  label: 'Haraka',
  difference: 'same login; two plugins only (auth/flat_file and one that names the upstream), log level warn',
  relays: true,
  share: 0.25,
  flushes: true,
  missing: () => undefined,
  prepare: async () => {
    if (!existsSync(manifest)) {
      const { code, stderr } = await runChild('npm', ['ci', '--no-audit', '--no-fund'], {
        cwd: home,
        timeout: 300_000,
        env: cleanEnvironment({ PATH: process.env.PATH ?? '' }),
      });
      if (code !== 0) throw new Error(`npm could not install Haraka: ${stderr}`);
    }
    const { version }: { version: string } = JSON.parse(readFileSync(manifest, 'utf8'));
    return version;
  },
  start: async (setting) => {
    const folder = await mkdtemp(join(setting.folder, 'haraka-'));
    const port = await freePort();
    await writeConfiguration(folder, port, setting);
    const child = startChild(process.execPath, [program, '-c', folder], { cwd: folder });
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
};
