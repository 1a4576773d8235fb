import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FolderReport } from '../../plugins/haraka/check/report.ts';
import { startChild } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { launcher, sluiceCommand } from '../support/process.ts';
import { SmtpDialogue } from '../support/smtp-dialogue.ts';
import { greeting } from '../support/tcp-ready.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';
import { pluginVersion, sitePackages } from './harness/site.ts';

/* `sluice haraka check` on a folder as people have it, with the real Haraka and published plugins; then a start by its configuration. */

let folder: TemporaryFolder;

const write = async (name: string, text: string): Promise<void> => {
  await mkdir(dirname(join(folder.path, name)), { recursive: true });
  await writeFile(join(folder.path, name), text);
};
const check = (...more: string[]) => sluiceCommand(['haraka', 'check', '--config', folder.path, ...more]);

beforeAll(async () => {
  folder = await temporaryFolder('haraka-check');
  await symlink(sitePackages, join(folder.path, 'node_modules'));
  await write(
    'config/plugins',
    [
      '# geoip',
      'rcpt_to.access',
      'helo.checks',
      'greylist',
      'clamd',
      'auth/flat_file',
      'rcpt_to.in_host_list',
      'queue/qmail-queue',
      'watch',
      'queue/smtp_forward',
    ].join('\n'),
  );
  await write('config/me', 'mx.example.com\n');
  await write('config/host_list', 'example.com\n');
  await write('config/auth_flat_file.ini', '[core]\nmethods=PLAIN\n[users]\nme=planted-secret\n');
  await write('config/clamd.ini', 'clamd_socket=127.0.0.1:3311\n');
  await write('config/greylist.ini', '[redis]\nhost=127.0.0.1\nport=6380\n');
  await write('config/smtp_forward.ini', 'host=127.0.0.1\nport=2526\nauth_user=me\nauth_pass=planted-secret\n');
  await write('config/connection.ini', '[max]\nbytes=1048576\n');
});
afterAll(() => folder?.remove());

describe('a folder of published plugins', () => {
  test('tells what runs and what does not, for scripts, with exit code 1', async () => {
    const { code, stdout, stderr } = await check('--json');
    const report: FolderReport = JSON.parse(stdout);
    expect([code, JSON.parse(stderr).error.code]).toEqual([1, 'HARAKA_PLUGINS_UNUSABLE']);
    expect(stdout + stderr).not.toContain('planted-secret');
    expect(report.haraka?.version).toBe((await pluginVersion('tls')).replace('Haraka ', ''));
    expect(report.plugins.map(({ name, result, found }) => [name, result, found?.kind ?? null])).toEqual([
      ['access', 'runs', 'package'],
      ['helo.checks', 'runs', 'package'],
      ['greylist', 'runs', 'package'],
      ['clamd', 'runs', 'package'],
      ['auth/flat_file', 'runs', 'core'],
      ['rcpt_to.in_host_list', 'runs', 'core'],
      ['queue/qmail-queue', 'fails', 'core'],
      ['watch', 'missing', null],
      ['queue/smtp_forward', 'runs', 'core'],
    ]);
    const of = (name: string) => report.plugins.find((plugin) => plugin.name === name);
    expect(of('access')).toMatchObject({ renamed: true, found: { version: await pluginVersion('access') } });
    expect(of('greylist')?.needs).toContainEqual({ what: 'Redis', where: '127.0.0.1:6380', present: null });
    expect(of('clamd')?.needs).toContainEqual({ what: 'clamd', where: '127.0.0.1:3311', present: null });
    expect(of('rcpt_to.in_host_list')?.settings).toContain('host_list');
    expect(of('queue/smtp_forward')?.hooks).toEqual(expect.arrayContaining(['queue', 'get_mx']));
    expect(of('watch')?.advice).toBe(`cd ${folder.path} && npm install haraka-plugin-watch`);
    expect(of('queue/qmail-queue')?.reason).toContain('qmail-queue binary');
  });

  test('writes a configuration, not over another, that starts and does what the plugins say', async () => {
    const file = join(folder.path, 'sluice.yaml');
    const first = await check('--write', file);
    expect([first.code, first.stdout]).toEqual([1, expect.stringContaining(`sluice check --config ${file}`)]);
    const text = await readFile(file, 'utf8');
    expect(text).not.toContain('planted-secret');
    const second = await check('--write', file);
    expect([second.code, second.stderr]).toEqual([65, expect.stringContaining('exists: name another file')]);
    expect(await readFile(file, 'utf8')).toBe(text);

    // Beside the old server: other ports, and greylist and clamd off since nothing they need runs here.
    const beside = text.replace(/^ +- (?:greylist|clamd)\n/gm, '').replaceAll('queue/smtp_forward', 'queue/discard');
    await writeFile(join(folder.path, 'beside.yaml'), beside);
    const [smtp = 0, api = 0] = await freePorts(2);
    const env = {
      SMTP_PORT: String(smtp),
      SLUICE_SMTP__LISTENERS__SMTP__ADDRESS: '127.0.0.1',
      API_PORT: String(api),
      SLUICE_OBSERVABILITY__PORT: '0',
      SLUICE_DATA_DIR: join(folder.path, 'data'),
    };
    await using sluice = startChild(
      process.execPath,
      [launcher, 'start', '--config', join(folder.path, 'beside.yaml')],
      { cwd: folder.path, env: { PATH: process.env.PATH ?? '', ...env } },
    );
    await waitFor(
      'Sluice to greet',
      () => {
        if (sluice.exit() !== undefined) throw new Error(`it ended: ${sluice.stdout()}${sluice.stderr()}`);
        return greeting(smtp);
      },
      { timeout: 60_000, detail: () => sluice.stdout() + sluice.stderr() },
    );
    expect(await greeting(smtp)).toContain('mx.example.com');
    await using client = await SmtpDialogue.open(smtp);
    const said = async (line: string) => {
      const { code, text } = await client.command(line);
      return `${code} ${text}`;
    };
    expect(await said('EHLO client.example.org')).toMatch(/^250 .*SIZE 1048576/s);
    expect(await said('MAIL FROM:<someone@example.org>')).toMatch(/^250 /);
    expect(await said('RCPT TO:<you@example.net>')).toMatch(/^550 /);
    expect(await said('RCPT TO:<you@example.com>')).toMatch(/^250 /);
  });
});
