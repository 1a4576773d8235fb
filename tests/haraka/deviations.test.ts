import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startCaptureSink } from '../support/capture-sink.ts';
import { repository } from '../support/process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';
import { denials } from './cases/probe/denials.ts';
import { failing } from './cases/probe/failing.ts';
import { hookMatrix } from './cases/probe/hook-matrix.ts';
import { meantOtherwise } from './cases/probe/meant.ts';
import { messagesOfPlugins } from './cases/probe/messages.ts';
import { commandsOfPlugins } from './cases/probe/next-hook.ts';
import { stateOfPlugins } from './cases/probe/state.ts';
import { protocolEdges } from './cases/sessions/protocol-edges.ts';
import { startLab } from './harness/lab.ts';
import { startOracle } from './harness/oracle.ts';
import { type PlannedCase, place, planFiles } from './harness/planned.ts';
import { playAll } from './harness/play-all.ts';
import type { ConfigFiles, SessionCases } from './harness/plugin-cases.ts';
import { ScriptedClient } from './harness/scripted-client.ts';
import type { Server, ServerOptions } from './harness/server.ts';
import { startSluiceServer } from './harness/sluice-server.ts';

/** Rows that no session can show beside a Haraka, and the test that does: a file, and the words of its title. */
const shownElsewhere: Readonly<Record<string, readonly [file: string, title: string]>> = {
  'RCPT that no plugin answers': ['tests/e2e/haraka-bridges.test.ts', 'any of them grants'],
  '`ignore_bad_plugins`': ['tests/haraka/deviations.test.ts', 'a plugin that cannot load'],
  'A reply without an enhanced code': ['tests/haraka/deviations.test.ts', 'gets an enhanced code'],
  '`init_child`': ['tests/haraka/deviations.test.ts', 'one hook of the start'],
};

const planned = [
  ...[hookMatrix, denials, failing, commandsOfPlugins, messagesOfPlugins, stateOfPlugins, meantOtherwise]
    .flatMap((groups) => Object.values(groups))
    .flat(),
  ...protocolEdges.setups.flatMap(({ cases }) => cases),
];

/** First words of each row of the table of deviations in sessions. */
const rows = async (): Promise<string[]> => {
  const readme = await readFile(join(repository, 'plugins/haraka/README.md'), 'utf8');
  const table = /## Deliberate deviations\n([\s\S]*?)\n##/.exec(readme)?.[1] ?? '';
  return [...table.matchAll(/^\| (.+?) \| /gm)].map(([, row = '']) => row).filter((row) => row !== 'deviation');
};

describe('the deviations that the README lists', () => {
  it('are each shown by a case, and no case shows another', async () => {
    const listed = await rows();
    expect(listed.length).toBeGreaterThan(10);
    const shown = new Set(planned.flatMap(({ shows }) => (shows === undefined ? [] : [shows.deviation])));
    const known = [...shown, ...Object.keys(shownElsewhere)];
    expect(listed.filter((row) => !known.some((words) => row.startsWith(words)))).toEqual([]);
    expect(known.filter((words) => listed.filter((row) => row.startsWith(words)).length !== 1)).toEqual([]);
    for (const [file, title] of Object.values(shownElsewhere)) {
      expect(await readFile(join(repository, file), 'utf8')).toContain(title);
    }
  });
});

const cases = (...all: readonly PlannedCase[]) => {
  const placed = place(all);
  const sessions: SessionCases = {
    setups: [
      {
        before: ['planned'],
        files: (at) => planFiles(placed, at),
        cases: placed.map(({ planned: { name, script }, client, sender }) => ({
          name,
          client,
          script: script(sender),
        })),
      },
    ],
  };
  return { placed, sessions, setup: sessions.setups[0] };
};
const envelope: PlannedCase['script'] = (sender) => ['EHLO client.example.org', `MAIL FROM:<${sender}>`, 'QUIT'];
const refuses = (port: number): Promise<boolean> =>
  new ScriptedClient({ port, proxyFor: '45.40.0.1', patience: 5_000 }).run(['QUIT']).then(
    () => false,
    () => true,
  );

describe('where Sluice means to differ', () => {
  it('a refusal without one gets an enhanced code, and a rejected promise ends no process', async () => {
    const { placed, sessions, setup } = cases(
      { name: 'denied', plan: { mail: { code: 'DENY', words: 'Not you' } }, script: envelope },
      { name: 'welcome', plan: { mail: { code: 'OK', words: 'You, too' } }, script: envelope },
      { name: 'rejected', plan: { mail: { recipe: 'rejects' } }, script: envelope },
    );
    if (setup === undefined) return;
    await using lab = await startLab(sessions, setup);
    const { on, sluice } = lab;
    if (sluice === undefined) return;
    // One after the other: the last one is Haraka's end.
    const [haraka, ours] = [await playAll(on, placed, 1), await playAll(sluice, placed, 1)];
    const replies = (played: typeof ours) => placed.map(({ client }) => played.get(client)?.[2]?.replies);
    expect(replies(haraka)).toEqual([[{ code: 550, lines: ['Not you'] }], [{ code: 250, lines: ['You, too'] }], []]);
    expect(replies(ours)).toEqual([
      [{ code: 550, lines: ['5.7.1 Not you'] }],
      [{ code: 250, lines: ['2.1.0 You, too'] }],
      [{ code: 451, lines: [expect.stringMatching(/^4\.3\.0 /)] }],
    ]);
    await waitFor('the end of Haraka', () => refuses(on.port));
    expect(await refuses(sluice.port)).toBe(false);
  });

  const start = async (
    begin: (options: ServerOptions) => Promise<Server>,
    plugins: readonly string[],
    files: ConfigFiles,
    see: (server: Server) => Promise<void>,
  ): Promise<void> => {
    await using sink = await startCaptureSink();
    await using folder = await temporaryFolder('haraka-deviations');
    const options = {
      folder: folder.path,
      plugins,
      files,
      setup: { cases: [] },
      proxy: false,
      dns: '127.0.0.1:9',
      sink,
    };
    await using server = await begin(options);
    await see(server);
  };

  it('a plugin that cannot load stops the start, whatever ignore_bad_plugins says', async () => {
    const files = { 'smtp.ini': 'nodes=0\nignore_bad_plugins=true\n' };
    const plugins = ['no_such_plugin', 'probe'];
    await start(startOracle, plugins, files, async ({ output }) => {
      expect(output()).toContain('no_such_plugin');
    });
    await expect(start(startSluiceServer, plugins, files, async () => undefined)).rejects.toThrow(
      /no_such_plugin cannot be found.*npm install haraka-plugin-no_such_plugin/s,
    );
  });

  it('only one hook of the start runs, and there is no web server', async () => {
    const met = async ({ probe }: Server) => (await probe()).filter(({ event }) => event === 'start');
    const plugins = ['starts', 'probe'];
    await start(startSluiceServer, plugins, {}, async (server) => {
      // Accepting mail and sending it are processes of their own to a plugin, even in one.
      const facts = new Set((await met(server)).map((each) => JSON.stringify(each)));
      expect([...facts]).toEqual([JSON.stringify({ event: 'start', hook: 'init_master', http: false })]);
    });
    await start(startOracle, plugins, { 'smtp.ini': 'nodes=1\n' }, async (server) => {
      // The child starts on its own account.
      const child = async () => (await met(server)).find(({ hook }) => hook === 'init_child');
      await waitFor('the child', child, { timeout: 30_000 });
      expect((await met(server)).map(({ hook }) => hook)).toEqual(['init_master', 'init_child']);
    });
  });
});
