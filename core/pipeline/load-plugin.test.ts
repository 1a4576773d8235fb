import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SluiceError } from '../domain/errors.ts';
import { createPluginLoader } from './load-plugin.ts';

const body = (name: string) =>
  `{ name: '${name}', version: '1.0.0', contract: 1, summary: 's', roles: ['smtp'], needs: {},
     config: { safeParseAsync: async (data) => ({ success: true, data }) }, init: () => ({ hooks: {} }) }`;

let folder = '';
const write = async (path: string, text: string) => {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-plugins-'));
  await write('configs/mine/index.js', `module.exports = { default: ${body('mine')} }`);
  await write('shipped/quota.mjs', `export default ${body('quota')};`);
  await write('configs/typed.ts', `export const plugin: object = ${body('typed')};`);
  await write('configs/none.mjs', 'export const other = 1;');
  await write('configs/number.mjs', 'export default 5;');
  await write('configs/part.mjs', "export default { name: 'part', contract: 1, roles: ['cook'] };");
  await write('configs/future.mjs', `export default { ...${body('future')}, contract: 2 };`);
  await write('configs/broken.mjs', "throw new Error('at the door');");
  const manifest = (rest: object) => JSON.stringify({ version: '1.0.0', ...rest });
  await write(
    'node_modules/sluice-only-import/package.json',
    manifest({ exports: { '.': { types: './x.d.ts', import: './lib/a.mjs' } } }),
  );
  await write('node_modules/sluice-only-import/lib/a.mjs', `export default ${body('only-import')};`);
  await write(
    'node_modules/many/package.json',
    manifest({ exports: { '.': './none.js', './second': { default: './second.mjs' } } }),
  );
  await write('node_modules/many/second.mjs', `export default ${body('second')};`);
  await write('node_modules/garbled/package.json', '{');
  await write('node_modules/@scope/main/part.js', `module.exports = ${body('part')};`);
  await write('node_modules/@scope/main/package.json', manifest({ main: 'main.js' }));
  await write('node_modules/@scope/main/main.js', `module.exports = ${body('main')};`);
  await write('node_modules/typescript-package/package.json', manifest({ exports: './index.ts' }));
  await write('node_modules/typescript-package/index.ts', `export default ${body('ts')} as object;`);
});
afterAll(() => rm(folder, { recursive: true }));

const load = (use: string) =>
  createPluginLoader({
    shipped: { quota: () => import(pathToFileURL(join(folder, 'shipped/quota.mjs')).href) },
    folder: join(folder, 'configs'),
  })(use);

it.each([
  ['quota', 'quota'],
  ['./mine/index.js', 'mine'],
  ['./typed.ts', 'typed'],
  ['sluice-only-import', 'only-import'],
  ['@scope/main', 'main'],
  ['@scope/main/part.js', 'part'],
  ['many/second', 'second'],
])('finds %s', async (use, name) => expect((await load(use)).name).toBe(name));

it('finds an absolute path', async () => expect((await load(join(folder, 'configs/typed.ts'))).name).toBe('typed'));

it.each<[string, string, RegExp]>([
  ['not-there', 'PLUGIN_UNKNOWN', /not-there cannot be found.*shipped \(quota\).*no package/],
  ['./not-there.js', 'PLUGIN_UNKNOWN', /There is no file .*configs\/not-there\.js/],
  ['constructor', 'PLUGIN_UNKNOWN', /constructor/],
  ['../../etc', 'PLUGIN_UNKNOWN', /no file/],
  ['many/third', 'PLUGIN_UNKNOWN', /many\/third cannot be found/],
  ['garbled', 'PLUGIN_INCOMPATIBLE', /cannot be read/],
  ['./none.mjs', 'PLUGIN_INCOMPATIBLE', /export it as default or as plugin/],
  ['./number.mjs', 'PLUGIN_INCOMPATIBLE', /definePlugin/],
  ['./part.mjs', 'PLUGIN_INCOMPATIBLE', /version has to be.*roles has to be a list.*init has to be a function/],
  ['./future.mjs', 'PLUGIN_INCOMPATIBLE', /contract version 2; this Sluice speaks 1: update Sluice/],
  ['./broken.mjs', 'PLUGIN_INCOMPATIBLE', /at the door/],
])('says what is wrong with %s', async (use, code, text) => {
  const error: unknown = await load(use).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(SluiceError);
  expect(error).toMatchObject({ code, message: expect.stringMatching(text) });
});

it('says in a plain process that packages have to ship JavaScript', async () => {
  const loader = fileURLToPath(new URL('load-plugin.ts', import.meta.url));
  const script = `
    const { createPluginLoader } = await import(${JSON.stringify(pathToFileURL(loader).href)});
    const load = createPluginLoader({ shipped: {}, folder: ${JSON.stringify(join(folder, 'configs'))} });
    console.log((await load('@scope/main')).name);
    await load('typescript-package').catch((error) => console.log(error.code, error.message));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  expect(stdout).toMatch(/^main\nPLUGIN_INCOMPATIBLE .*it ships TypeScript; a package has to ship JavaScript\n$/);
});
