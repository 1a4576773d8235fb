/*
 * Makes dist/, the JavaScript of the published package (`npm pack` calls it): whatever the entries of tsconfig.build.json
 * import, and beside it the files that are read at run time.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const output = join(root, 'dist');
const readAtRunTime = ['configs/sluice.yaml', 'admin-api/swagger/index.html', 'admin-api/swagger/initializer.js'];

rmSync(output, { recursive: true, force: true });
const compiler = join(root, 'node_modules/.bin/tsc');
execFileSync(compiler, ['--project', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
for (const file of readAtRunTime) cpSync(join(root, file), join(output, file));
