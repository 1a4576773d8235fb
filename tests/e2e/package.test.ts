import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { createCredential, registerFirst } from '../support/api-client.ts';
import { runChild, startChild } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { defaultConfiguration, repository } from '../support/process.ts';
import { greeting } from '../support/tcp-ready.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';
import { clientSession } from './support/client-session.ts';
import { freshClone, personsEnvironment } from './support/fresh-clone.ts';

/* What `npm pack` makes, installed into an empty folder: JavaScript alone, under node_modules. */

let clone: Awaited<ReturnType<typeof freshClone>>;
let consumer: TemporaryFolder;

const write = async (name: string, text: string): Promise<void> => {
  await mkdir(dirname(join(consumer.path, name)), { recursive: true });
  await writeFile(join(consumer.path, name), text);
};
const run = async (command: string, args: readonly string[], cwd: string): Promise<string> => {
  const { code, stdout, stderr } = await runChild(command, args, { cwd, env: personsEnvironment(), timeout: 600_000 });
  expect(code, `${command} ${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
  return stdout;
};

beforeAll(async () => {
  clone = await freshClone();
  consumer = await temporaryFolder('consumer');
  // The compiler and the types as installed here.
  await symlink(join(repository, 'node_modules'), join(clone.path, 'node_modules'));
  await run('npm', ['pack', '--pack-destination', consumer.path], clone.path);
  await write('package.json', JSON.stringify({ name: 'consumer', private: true, allowScripts: { node: true } }));
  const [tarball = ''] = (await run('ls', [], consumer.path)).split('\n').filter((name) => name.endsWith('.tgz'));
  await run('npm', ['install', '--prefer-offline', '--no-audit', `./${tarball}`], consumer.path);
}, 900_000);
afterAll(async () => {
  await consumer?.remove();
  await clone?.remove();
});

test('holds no TypeScript but types', async () => {
  const files = (
    await run('find', ['node_modules/sluice', '-name', '*.ts', '-not', '-name', '*.d.ts'], consumer.path)
  ).trim();
  expect(files).toBe('');
});

test('npx sluice check takes the shipped configuration', async () => {
  const said = await run('npx', ['sluice', 'check'], consumer.path);
  expect(said).toContain('node_modules/sluice/dist/configs/sluice.yaml is valid');
});

/** A Haraka folder with a plugin of the site, which needs nothing but what Sluice brings. */
const writeHarakaFolder = async (): Promise<void> => {
  await write('haraka/config/plugins', 'no_monday\n');
  await write('haraka/config/no_monday.ini', 'domain=monday.test\n');
  await write(
    'haraka/plugins/no_monday.js',
    `const { uuid } = require('haraka-utils')
     exports.register = function () { this.cfg = this.config.get('no_monday.ini') }
     exports.hook_rcpt = function (next, connection, [address]) {
       if (address.host === this.cfg.main.domain) return next(DENY, 'no mail on Mondays')
       next()
     }
     exports.hook_data_post = (next, connection) => {
       connection.transaction.add_header('X-Haraka', 'ran as ' + typeof uuid)
       next()
     }`,
  );
};

test('npx sluice haraka check tries plugins in processes of its own', async () => {
  await writeHarakaFolder();
  const said = await run('npx', ['sluice', 'haraka', 'check', '--config', 'haraka', '--json'], consumer.path);
  expect(JSON.parse(said).plugins).toMatchObject([
    { name: 'no_monday', result: 'runs', hooks: ['rcpt', 'data_post'], settings: ['no_monday.ini'] },
  ]);
});

test('npx sluice start takes mail, with a plugin package that imports sluice/plugin and a bridge, and shows its pages', async () => {
  const manifest = { name: 'sluice-shout', version: '1.0.0', type: 'module', exports: './index.js' };
  await write('node_modules/sluice-shout/package.json', JSON.stringify(manifest));
  await write(
    'node_modules/sluice-shout/index.js',
    `import { definePlugin, reject, reply, z } from 'sluice/plugin';
     export default definePlugin({
       name: 'shout', version: '1.0.0', contract: 1, summary: 'Wants capitals', roles: ['smtp'],
       config: z.strictObject({}), needs: {},
       init: () => ({ hooks: { message: ({ message }) => {
         const subject = message.headers.get('subject') ?? '';
         return subject === subject.toUpperCase() ? undefined : reject(reply(550, '5.7.1', 'speak up'));
       } } }),
     });`,
  );
  const [smtp = 0, api = 0] = await freePorts(2);
  const ports = { smtp, api };
  const configuration = defaultConfiguration(ports, join(consumer.path, 'data'));
  await writeHarakaFolder();
  const bridge = { use: 'haraka', config: { config_dir: './haraka' } };
  const plugins = [bridge, ...configuration.plugins, { use: 'sluice-shout' }];
  await write('sluice.yaml', stringify({ ...configuration, plugins }));
  await using relay = startChild('npx', ['sluice', 'start', '--config', 'sluice.yaml'], {
    cwd: consumer.path,
    env: personsEnvironment(),
    group: true,
  });
  await waitFor(
    'the installed Sluice to greet',
    () => {
      if (relay.exit() !== undefined) throw new Error(`it ended: ${relay.stdout()}${relay.stderr()}`);
      return greeting(smtp);
    },
    { timeout: 120_000, detail: () => relay.stdout() + relay.stderr() },
  );
  const base = `http://127.0.0.1:${api}`;
  await waitFor('the API', async () => (await fetch(`${base}/health/ready`)).status === 200);
  const page = await fetch(`${base}/swagger/index.html`);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('swagger')]);

  const account = await registerFirst(base);
  const credential = await createCredential(account);
  await using client = await clientSession({ ports }, credential);
  const quiet = await client.send(
    'me@example.com',
    ['you@example.org'],
    'From: me@example.com\r\nSubject: psst\r\n\r\nhi',
  );
  expect(quiet).toEqual({ code: 550, text: '5.7.1 speak up' });
  await client.expect(250, 'MAIL FROM:<me@example.com>');
  expect(await client.command('RCPT TO:<you@monday.test>')).toEqual({ code: 550, text: '5.7.1 no mail on Mondays' });
  await client.expect(250, 'RSET');
  const loud = await client.send(
    'me@example.com',
    ['you@example.org'],
    'From: me@example.com\r\nSubject: HEY\r\n\r\nhi',
  );
  expect(loud.code, loud.text).toBe(250);
  // The relay thread works, too: without an upstream it captures.
  await waitFor('the mail to be captured', async () => {
    const { body } = await account.call('GET', '/api/mail-logs/stats');
    return z.object({ by_status: z.object({ captured: z.number() }) }).parse(body).by_status.captured === 1;
  });
  const { body } = await account.call('GET', '/api/mail-logs?status=captured');
  const [mail] = z.object({ items: z.array(z.object({ id: z.string() })) }).parse(body).items;
  const raw = await fetch(`${base}/api/mail-logs/${mail?.id}/raw`, {
    headers: { Authorization: `Bearer ${account.token}` },
  });
  expect(await raw.text()).toMatch(/^X-Haraka: ran as function\r$/m);
  // npx itself ends by the signal; its output closes with the end of what it runs.
  await relay.stop(35_000);
  await expect(greeting(smtp)).rejects.toThrow('ECONNREFUSED');
});

test('a plugin author has types', async () => {
  const plugin = (reason: string) => `
    import { definePlugin, reject, reply, services, z } from 'sluice/plugin';
    import { testPlugin } from 'sluice/testing';
    export const plugin = definePlugin({
      name: 'typed', version: '1.0.0', contract: 1, summary: 'Has types', roles: ['smtp'],
      config: z.strictObject({ text: z.string() }),
      needs: { clock: services.clock },
      init: ({ config, services: { clock } }) => ({
        hooks: { rcptTo: ({ recipient }) => (clock.now() > 0 && recipient.domain !== null ? reject(reply(550, '5.7.1', ${reason})) : undefined) },
      }),
    });
    export const tested = testPlugin(plugin, { config: { text: 'no' } });
  `;
  await write('right.ts', plugin('config.text'));
  await write('wrong.ts', plugin('config.txet'));
  const compiler = join(repository, 'node_modules/.bin/tsc');
  const options = [
    '--noEmit',
    '--ignoreConfig',
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'es2024',
  ];
  options.push('--types', '');
  await run(compiler, [...options, 'right.ts'], consumer.path);
  const wrong = await runChild(compiler, [...options, 'wrong.ts'], { cwd: consumer.path, env: personsEnvironment() });
  expect(wrong.code).not.toBe(0);
  expect(wrong.stdout).toMatch(/wrong\.ts.*txet/);
});
