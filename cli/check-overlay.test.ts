import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Seals } from '../core/accounts/seals.ts';
import { loadServerSecrets } from '../core/accounts/server-secrets.ts';
import { ConfigurationFolder } from '../core/config/testing/configuration-folder.ts';
import { sealedPatch } from '../core/settings/sealed-overlay.ts';
import type { PluginOverlay } from '../core/storage/ports/settings.ts';
import { openSqliteStore } from '../core/storage/sqlite/store.ts';
import { runInProcess } from './testing/run-in-process.ts';

/* What `check` says of a data folder whose plugins were changed through the API. */

let folder: ConfigurationFolder;
let data: string;
beforeEach(() => {
  folder = new ConfigurationFolder();
  data = join(folder.path, 'data');
  folder.write('sluice.yaml', 'plugins: [{ use: auth }, { use: quota }, { use: delivery }]\ndata_dir: data\n');
});
afterEach(() => folder[Symbol.dispose]());

const check = (...words: string[]) =>
  runInProcess(['check', '--config', 'sluice.yaml', ...words], { cwd: folder.path });

/** Leaves behind what a Sluice would, of which the API set this. */
async function set(plugins: Readonly<Record<string, PluginOverlay>>): Promise<void> {
  const store = await openSqliteStore({
    folder: data,
    log: pino({ level: 'silent' }),
    ambiguousDelay: 0,
    freeSpace: 0,
    reserve: 0,
    unwritten: 1e6,
    retention: { captured: 1e9, log: 1e9, receiving: 1e9 },
    sweep: 1e9,
  });
  const number = (await store.settings.latest()) + 1;
  const version = { number, fingerprint: '', cause: 'change', author: null, at: 1 } as const;
  await store.settings.propose({ ...version, overlay: { plugins, order: null } });
  await store.settings.accept(number);
  await store.close();
}
const secretsKey = async () => (await loadServerSecrets({ config: {}, dataDir: data, mode: 'embedded' })).secretsKey;

test('nothing set, nothing said; and no data folder is made by looking', async () => {
  expect(await check()).toMatchObject({ exit: 0, stderr: '' });
  expect(existsSync(data)).toBe(false);
  await set({});
  expect(await check('--json')).toMatchObject({
    exit: 0,
    stdout: expect.stringMatching(/"drift": \[\],\s+"dormant": \[\]/),
  });
});

test('what the API set counts, and is shown as its own', async () => {
  await secretsKey();
  await set({ quota: { patch: { priority: 7 }, beneath: {} } });
  const { exit, stdout } = await check('--show');
  expect([exit, stdout]).toEqual([0, expect.stringMatching(/^plugins\.quota\.priority +7 +API$/m)]);
});

test('a patch of a plugin that the file does not name is told', async () => {
  await secretsKey();
  await set({ 'rate-limit': { patch: { priority: 7 }, beneath: {} } });
  const { exit, stderr } = await check();
  expect([exit, stderr]).toEqual([
    0,
    expect.stringMatching(/plugins\.rate-limit was set by the API, and the file does not name it/),
  ]);
});

test('a patch that the file does not bear any more is an error, as it would be at the start', async () => {
  await secretsKey();
  await set({ quota: { patch: { before: ['gone'], config: { time_zone: 'Mars' } }, beneath: {} } });
  const { exit, stderr } = await check();
  expect([exit, stderr]).toEqual([
    78,
    expect.stringMatching(/plugins\.quota\.config\.time_zone .*\(set through the API\)/),
  ]);
});

test('sealed secrets need the key that sealed them, and are not shown', async () => {
  const sealing = new Seals(await secretsKey());
  const upstreams = { main: { name: 'main', host: 'a.example', username: 'u', password: 'planted' } };
  const node = { properties: { config: {} } };
  const patch = sealedPatch('delivery', { config: { upstreams } }, node, sealing);
  await set({ delivery: { patch, beneath: {} } });
  const { exit, stdout } = await check('--show');
  expect([exit, stdout]).toEqual([0, expect.stringMatching(/upstreams\.main\.password +\[hidden\] +API/)]);
  expect(stdout).not.toContain('planted');
  await rm(join(data, 'secrets.json'));
  const lost = await check();
  expect([lost.exit, lost.stderr]).toEqual([78, expect.stringContaining('secrets.json is missing')]);
});
