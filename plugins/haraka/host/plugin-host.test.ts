import { describe, expect, it } from 'vitest';
import { createSite, loadSite } from '../testing/site.ts';

describe('the host of plugins', () => {
  it('names the command that installs a plugin which is not there', async () => {
    await using site = await createSite({});
    await expect(loadSite(site, ['haraka-plugin-nowhere'])).rejects.toThrow(
      `cd ${site.home} && npm install haraka-plugin-nowhere`,
    );
    await expect(loadSite(site, ['auth/nowhere'])).rejects.toThrow(`cd ${site.home} && npm install Haraka`);
  });

  it('names what a plugin lacks, and where its code fails', async () => {
    await using site = await createSite({
      'plugins/lacking.js': "require('nowhere-to-be-found')",
      'plugins/wrong.js': 'exports.hook_mail = (',
      'plugins/refusing.js': "exports.register = () => { throw new Error('no settings') }",
    });
    await expect(loadSite(site, ['lacking'])).rejects.toThrow(`cd ${site.home} && npm install nowhere-to-be-found`);
    await expect(loadSite(site, ['wrong'])).rejects.toThrow('The Haraka plugin wrong');
    await expect(loadSite(site, ['refusing'])).rejects.toThrow('no settings');
  });

  it('runs a package with globals, and gives it its defaults under the settings of the site', async () => {
    const folder = 'node_modules/haraka-plugin-greeter';
    await using site = await createSite({
      [`${folder}/package.json`]: '{"name":"haraka-plugin-greeter","main":"index.js"}',
      [`${folder}/index.js`]: `exports.register = function () {
         this.cfg = this.config.get('greeter.ini', { booleans: ['+main.on'] })
         this.seen = [OK, DENYSOFT, typeof server.notes]
       }`,
      [`${folder}/config/greeter.ini`]: 'word=hello\nname=world\n',
      'config/greeter.ini': 'name=site\n',
    });
    const plugin = (await loadSite(site, ['haraka-plugin-greeter'])).plugins.get('haraka-plugin-greeter');
    expect(plugin?.name).toBe('greeter');
    expect(plugin?.cfg).toMatchObject({ main: { word: 'hello', name: 'site', on: true } });
    expect(plugin?.seen).toEqual([906, 903, 'object']);
  });

  it('keeps the settings of two bridges apart', async () => {
    const plugin = "exports.register = function () { this.word = this.config.get('word') }";
    await using one = await createSite({ 'plugins/p.js': plugin, 'config/word': 'one' });
    await using two = await createSite({ 'plugins/p.js': plugin, 'config/word': 'two' });
    expect((await loadSite(one, ['p'])).plugins.get('p')?.word).toBe('one');
    expect((await loadSite(two, ['p'])).plugins.get('p')?.word).toBe('two');
  });

  it('inherits what a plugin does not say itself, and registers the parent on it', async () => {
    await using site = await createSite({
      'plugins/parent.js': `exports.register = function () { this.register_hook('mail', 'said') }
        exports.said = (next) => next(DENY, 'parent'); exports.word = 'parent'; exports.other = 'parent'`,
      'plugins/child.js': "exports.word = 'child'; exports.register = function () { this.inherits('parent') }",
    });
    const host = await loadSite(site, ['child']);
    const child = host.plugins.get('child');
    expect([child?.word, child?.other, child?.base.parent?.name]).toEqual(['child', 'parent', 'parent']);
    expect(host.hooks.of('mail').map(({ plugin, method }) => `${plugin.name}.${method}`)).toEqual(['child.said']);
  });

  it('gives file plugins a require with the configuration, facades of the core, and files beside them', async () => {
    await using site = await createSite({
      'config/word': 'here',
      'plugins/shared/words.js': "module.exports = ['beside']",
      'plugins/asking.js': `const logger = require('./logger')
        exports.seen = [require('./config').get('word'), typeof logger.add_log_methods, require('./shared/words')[0],
          typeof require('haraka-utils').uuid, typeof require('node:fs').readFileSync]`,
    });
    const plugin = (await loadSite(site, ['asking'])).plugins.get('asking');
    expect(plugin?.seen).toEqual(['here', 'function', 'beside', 'function', 'function']);
  });

  it('takes a name that has moved for its successor', async () => {
    await using site = await createSite({ 'plugins/access.js': '' });
    expect((await loadSite(site, ['rcpt_to.access'])).plugins.get('rcpt_to.access')?.name).toBe('access');
  });
});
