import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigurationFolder } from '../../../core/config/testing/configuration-folder.ts';
import { createPluginLoader } from '../../../core/pipeline/load-plugin.ts';
import { createSite, type Site } from '../testing/site.ts';
import { checkFolder } from './check-folder.ts';
import type { FolderReport, PluginReport } from './report.ts';

/* Real processes for each plugin; without the package Haraka, whose plugins tests/haraka tries. */

const check = (site: Site, timeout = 30_000): Promise<FolderReport> =>
  checkFolder({ folder: site.home, cwd: '/', env: process.env, timeout });
const ofPlugin = (report: FolderReport, listed: string): PluginReport => {
  const found = report.plugins.find((plugin) => plugin.listed === listed);
  if (found === undefined) throw new Error(`nothing is said of ${listed}`);
  return found;
};

const greeter = 'node_modules/haraka-plugin-greeter';
const folder = {
  'config/plugins': [
    '# what runs',
    'plain',
    'haraka-plugin-greeter',
    '# off',
    'rcpt_to.access',
    'nowhere',
    'tls',
    'throwing',
    'rejecting',
    'lacking',
    'broken',
    'exiting',
    'web',
    'silent',
    'remembering',
    '',
  ].join('\n'),
  'config/me': 'mx.example.com\n',
  'config/smtp.ini': 'listen=127.0.0.1:2525\nnodes=0\n',
  'config/plain.ini': 'word=here\n',
  'plugins/plain.js': `exports.register = function () { this.config.get('plain.ini'); this.config.get('absent.ini') }
    exports.hook_mail = (next) => next()
    exports.hook_max_data_exceeded = (next) => next()`,
  [`${greeter}/package.json`]: '{ "name": "haraka-plugin-greeter", "version": "1.2.3", "main": "index.js" }',
  [`${greeter}/index.js`]: `exports.register = function () { this.inherits('plain'); this.register_hook('data_post', 'greet') }
    exports.greet = (next) => next()`,
  'plugins/access.js': 'exports.hook_rcpt = (next) => next()',
  'plugins/off.js': "throw new Error('commented out, and yet run')",
  'plugins/throwing.js': "exports.register = () => { throw new Error('no settings') }",
  'plugins/rejecting.js': "exports.register = async () => { throw new Error('no answer') }",
  'plugins/lacking.js': "require('nowhere-to-be-found')",
  'plugins/broken.js': 'exports.hook_mail = (',
  'plugins/exiting.js': 'exports.register = () => process.exit(3)',
  'plugins/web.js': 'exports.hook_init_http = (next) => next()',
  'plugins/silent.js': "exports.register = function () { this.logerror('no key: switched off') }",
  // What one leaves behind the next must not meet.
  'plugins/remembering.js': `exports.register = function () {
      if (server.notes.seen) throw new Error('met what another left behind')
    }
    exports.hook_quit = (next) => next()`,
};

describe('the folder of a Haraka', () => {
  test('is told plugin by plugin: what runs, what not, why, and what to do', { timeout: 120_000 }, async () => {
    await using site = await createSite({
      ...folder,
      'plugins/plain.js': `${folder['plugins/plain.js']}\nserver.notes.seen = true; setInterval(() => {}, 1000)`,
    });
    const report = await check(site);
    expect(report.plugins.map(({ listed, result }) => [listed, result])).toEqual([
      ['plain', 'partly'],
      ['haraka-plugin-greeter', 'partly'],
      ['rcpt_to.access', 'runs'],
      ['nowhere', 'missing'],
      ['tls', 'missing'],
      ['throwing', 'fails'],
      ['rejecting', 'fails'],
      ['lacking', 'fails'],
      ['broken', 'fails'],
      ['exiting', 'fails'],
      ['web', 'idle'],
      ['silent', 'idle'],
      ['remembering', 'runs'],
    ]);
    expect(ofPlugin(report, 'plain')).toMatchObject({
      found: { kind: 'file', path: join(site.home, 'plugins/plain.js'), version: null },
      hooks: ['mail'],
      uncalled: [{ hook: 'max_data_exceeded' }],
      settings: ['plain.ini'],
    });
    expect(ofPlugin(report, 'haraka-plugin-greeter')).toMatchObject({
      name: 'greeter',
      renamed: false,
      found: { kind: 'package', path: join(site.home, greeter), version: '1.2.3' },
      // Of the plugin it inherits from, too.
      hooks: ['data_post', 'mail'],
    });
    expect(ofPlugin(report, 'rcpt_to.access')).toMatchObject({ name: 'access', renamed: true, hooks: ['rcpt'] });
    const advice = (listed: string) => ofPlugin(report, listed).advice;
    expect(advice('nowhere')).toBe(`cd ${site.home} && npm install haraka-plugin-nowhere`);
    expect(advice('tls')).toBe(`cd ${site.home} && npm install Haraka`);
    expect(advice('lacking')).toBe(`cd ${site.home} && npm install nowhere-to-be-found`);
    const reason = (listed: string) => ofPlugin(report, listed).reason;
    expect(reason('throwing')).toBe('its register() failed: no settings');
    expect(reason('rejecting')).toBe('its register() failed: no answer');
    expect(reason('broken')).toMatch(/broken\.js could not be run: /);
    expect(reason('exiting')).toContain('it ended the process (3)');
    expect(reason('web')).toBe('none of its hooks is ever called here');
    expect(reason('silent')).toContain('it registers no hook, and says: no key: switched off');
    expect(report.haraka).toBeNull();
  });

  test('one that never finishes is given up, and its process is gone', { timeout: 60_000 }, async () => {
    await using site = await createSite({
      'config/plugins': 'waiting\nturning\nfine\n',
      'plugins/waiting.js': 'exports.register = () => new Promise(() => {})',
      'plugins/turning.js': `require('node:fs').writeFileSync(__dirname + '/pid', String(process.pid))
        exports.register = () => { for (;;); }`,
      'plugins/fine.js': 'exports.hook_mail = (next) => next()',
    });
    const report = await check(site, 5_000);
    expect(report.plugins.map(({ result, reason }) => [result, reason])).toEqual([
      ['fails', 'it did not register within 5 s'],
      ['fails', 'it did not register within 5 s'],
      ['runs', null],
    ]);

    const pid = Number(await readFile(join(site.home, 'plugins/pid'), 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  test('becomes a configuration that is valid, with what runs and reasons for what does not', {
    timeout: 120_000,
  }, async () => {
    await using site = await createSite(folder);
    const { fragment } = await check(site);
    expect(fragment).toContain('left out: throwing: its register() failed: no settings');
    using configuration = new ConfigurationFolder();
    const { shippedPlugins } = await import('../../../processes/shipped-plugins.ts');
    const { config, warnings } = await configuration.load(fragment, {
      pluginSchemas: async (use, baseDir) =>
        (await createPluginLoader({ shipped: shippedPlugins, folder: baseDir })(use)).config,
    });
    expect(warnings).toEqual([]);
    expect(config.hostname).toBe('mx.example.com');
    expect(config.smtp.listeners).toMatchObject([{ name: 'port-2525', address: '127.0.0.1', port: 2525 }]);
    expect(config.plugins).toMatchObject([
      {
        use: 'haraka',
        may_grant: true,
        config: { config_dir: site.home, plugins: ['plain', 'greeter', 'access', 'remembering'] },
      },
      { use: 'delivery' },
    ]);
  });

  test('a folder that is none, or lists nothing, is refused', async () => {
    await using site = await createSite({ 'config/plugins': '# nothing\n' });
    await expect(check(site)).rejects.toThrow(`${join(site.home, 'config/plugins')} lists no plugin`);
    await expect(checkFolder({ folder: '/nowhere', cwd: '/', env: {}, timeout: 1_000 })).rejects.toThrow(
      'there is no folder /nowhere',
    );
  });
});
