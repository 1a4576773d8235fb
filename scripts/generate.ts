import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedFiles } from './generated-files.ts';

/** Writes every file that is made from the code. Continuous integration runs it and refuses a difference. */
const root = join(import.meta.dirname, '..');
for (const [path, text] of await generatedFiles()) {
  writeFileSync(join(root, path), text);
  console.log(path);
}
