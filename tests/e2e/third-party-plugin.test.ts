import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ConfigInput } from '../../core/config/schema.ts';
import { createCredential, registerFirst, type SmtpCredential } from '../support/api-client.ts';
import { type CaptureSink, startCaptureSink } from '../support/capture-sink.ts';
import { type Sluice, startSluice } from '../support/process.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { clientSession } from './support/client-session.ts';
import { relayTo } from './support/relay-to.ts';

/* Plugins that are not ours, in a folder that is not ours, written against `sluice/plugin` alone. */

type Entry = ConfigInput['plugins'][number];

const write = async (folder: string, name: string, text: string): Promise<void> => {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), text);
};

/** A plugin in whose `init` stands `body`; `more` replaces parts of its value. */
const plugin = (body: string, more = ''): string => `
import { accept, definePlugin, reject, reply, services, token, z } from 'sluice/plugin';
export default definePlugin({
  name: 'third-party',
  version: '2.1.0',
  contract: 1,
  summary: 'Written by somebody else',
  roles: ['smtp'],
  config: z.strictObject({ mark: z.string().default('none') }),
  needs: {},
  init: ({ config }) => { ${body} },
  ${more}
});
`;

const start = (folder: string, entries: readonly Entry[], port?: number): Promise<Sluice> =>
  startSluice({
    folder,
    configure: (config) => {
      const base = port === undefined ? config : relayTo(port, config);
      return { ...base, plugins: [...base.plugins, ...entries] };
    },
  });

let folder: TemporaryFolder;

describe('plugins by path and by package', () => {
  let sink: CaptureSink;
  let relay: Sluice;
  let credential: SmtpCredential;

  beforeAll(async () => {
    folder = await temporaryFolder('third-party');
    sink = await startCaptureSink();
    // TypeScript with types that have to be stripped.
    await write(
      folder.path,
      'own/mark.ts',
      `import { definePlugin, services, type Message, z } from 'sluice/plugin';
       const add = (message: Message, mark: string): void => message.headers.prepend('X-Mark', mark);
       export default definePlugin({
         name: 'mark', version: '1.0.0', contract: 1, summary: 'Marks mail', roles: ['smtp'],
         config: z.strictObject({ mark: z.string() }),
         needs: { hostname: services.hostname },
         init: ({ config, services: { hostname } }) => ({
           hooks: { message: ({ message }) => add(message, config.mark + ' at ' + hostname) },
         }),
       });`,
    );
    const manifest = { name: 'sluice-no-monday', version: '1.0.0', type: 'module', exports: './index.js' };
    await write(folder.path, 'node_modules/sluice-no-monday/package.json', JSON.stringify(manifest));
    await write(
      folder.path,
      'node_modules/sluice-no-monday/index.js',
      plugin(
        `return { hooks: { rcptTo: ({ recipient }) =>
           recipient.domain === config.mark ? reject(reply(550, '5.7.1', 'no mail to ' + config.mark)) : undefined } };`,
      ),
    );
    const common = { name: 'sluice-common', version: '1.0.0', main: 'main.cjs' };
    await write(folder.path, 'node_modules/sluice-common/package.json', JSON.stringify(common));
    await write(
      folder.path,
      'node_modules/sluice-common/main.cjs',
      `const { definePlugin, z } = require('sluice/plugin');
       module.exports = { plugin: definePlugin({
         name: 'common', version: '1.0.0', contract: 1, summary: 'CommonJS', roles: ['smtp'],
         config: z.strictObject({}), needs: {},
         init: () => ({ hooks: { message: ({ message }) => message.headers.prepend('X-Common', 'yes') } }),
       }) };`,
    );
    relay = await start(
      folder.path,
      [
        { id: 'mark', use: './own/mark.ts', config: { mark: 'seen' } },
        { use: 'sluice-no-monday', config: { mark: 'monday.test' } },
        { use: 'sluice-common' },
      ],
      sink.port,
    );
    credential = await createCredential(await registerFirst(relay.api));
  });
  afterAll(async () => {
    await relay?.stop();
    await sink?.stop();
    await folder?.remove();
  });

  test('import sluice/plugin from the running copy and act on mail', async () => {
    await using client = await clientSession(relay, credential);
    await client.expect(250, 'MAIL FROM:<me@example.com>');
    expect(await client.command('RCPT TO:<you@monday.test>')).toEqual({
      code: 550,
      text: '5.7.1 no mail to monday.test',
    });
    await client.expect(250, 'RSET');
    const answer = await client.send('me@example.com', ['you@example.org'], 'From: me@example.com\r\n\r\nhello');
    expect(answer.code, answer.text).toBe(250);
    const [mail] = await sink.received(1);
    expect(mail?.raw.toString()).toMatch(/^X-Mark: seen at relay\.test\r$/m);
    expect(mail?.raw.toString()).toMatch(/^X-Common: yes\r$/m);
  });
});

describe('a plugin that cannot be used stops the start', () => {
  beforeEach(async () => {
    folder = await temporaryFolder('third-party');
  });
  afterEach(() => folder.remove());

  const hooks = 'return { hooks: {} };';
  const cases: readonly [string, string | undefined, Entry, number, RegExp][] = [
    [
      'of a later contract',
      plugin(hooks, 'contract: 99,'),
      { use: './p.ts', id: 'p' },
      78,
      /contract version 99.*update Sluice/,
    ],
    [
      'with a bad configuration',
      plugin(hooks),
      { use: './p.ts', id: 'p', config: { mark: 7 } },
      78,
      /plugins\.p\.config\.mark/,
    ],
    [
      'that needs a service nobody has',
      plugin(hooks, "needs: { weather: token('weather') },"),
      { use: './p.ts', id: 'p' },
      78,
      /plugin p needs services .*sluice:weather/,
    ],
    [
      'that is no installed package',
      undefined,
      { use: 'sluice-nowhere' },
      78,
      /sluice-nowhere cannot be found.*no package/i,
    ],
    ['that is no file', undefined, { use: './nowhere.ts', id: 'p' }, 78, /There is no file .*nowhere\.ts/],
    [
      'that throws at its start',
      plugin("throw new Error('the licence has run out');"),
      { use: './p.ts', id: 'p' },
      70,
      /plugin p could not start: the licence has run out/,
    ],
    ['that cannot be read', 'export default {', { use: './p.ts', id: 'p' }, 78, /plugin \.\/p\.ts cannot be read/],
  ];
  test.each(cases)('one %s', async (_, text, entry, code, message) => {
    if (text !== undefined) await write(folder.path, 'p.ts', text);
    const failed = await start(folder.path, [entry]).then(
      async (relay) => `started: ${relay.output()}${(await relay.stop()) ?? ''}`,
      (error: Error) => error.message,
    );
    expect(failed).toMatch(new RegExp(`^Sluice ended with ${code}: `));
    expect(failed.replaceAll(/\s+/g, ' ')).toMatch(message);
    expect(failed, 'no stack of ours').not.toMatch(/^\s+at /m);
  });
});

describe('a plugin that fails while mail flows', () => {
  let relay: Sluice;
  let credential: SmtpCredential;
  const timeout = 1_000;

  beforeAll(async () => {
    folder = await temporaryFolder('third-party');
    await write(
      folder.path,
      'faulty.ts',
      plugin(`
        const faults = {
          throws: () => { throw new Error('planted-secret'); },
          rejects: () => Promise.reject(new Error('planted-secret')),
          hangs: () => new Promise(() => {}),
          late: () => new Promise((resolve) => setTimeout(() => { resolve(undefined); resolve(reject(reply(550, '5.7.1', 'late'))); }, ${timeout + 300})),
          accepts: () => accept('everything'),
          talks: () => 'OK',
        };
        return { hooks: { mailFrom: ({ sender }) => faults[sender?.local]?.() } };`),
    );
    relay = await start(folder.path, [{ use: './faulty.ts', id: 'faulty', timeout: `${timeout}ms` }]);
    credential = await createCredential(await registerFirst(relay.api));
  });
  afterAll(async () => {
    await relay?.stop();
    await folder?.remove();
  });

  test.each(['throws', 'rejects', 'hangs', 'late', 'accepts', 'talks'])(
    'one that %s is answered 451 within its deadline, and nobody else notices',
    async (fault) => {
      await using client = await clientSession(relay, credential);
      await using other = await clientSession(relay, credential);
      let answered = false;
      const began = performance.now();
      const refused = client.command(`MAIL FROM:<${fault}@example.com>`).finally(() => {
        answered = true;
      });
      // A whole transaction of somebody else while the fault lasts.
      const sent = await other.send('fine@example.com', ['you@example.org'], 'From: fine@example.com\r\n\r\nhello');
      expect(sent.code, sent.text).toBe(250);
      if (fault === 'hangs' || fault === 'late') expect(answered, 'the other was faster').toBe(false);
      const reply = await refused;
      expect(reply.code, reply.text).toBe(451);
      expect(reply.text).toMatch(/^4\.3\.0 /);
      expect(reply.text).not.toContain('planted-secret');
      expect(performance.now() - began).toBeLessThan(timeout + 2_000);
      // The session goes on.
      const again = await client.send('fine@example.com', ['you@example.org'], 'From: fine@example.com\r\n\r\nhello');
      expect(again.code, again.text).toBe(250);
    },
  );
});
