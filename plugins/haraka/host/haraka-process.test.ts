import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('a library that was not found is looked for anew, and all bridges share what then comes', async () => {
  const home = await mkdtemp(join(tmpdir(), 'haraka-process-'));
  try {
    const program = join(import.meta.dirname, '../testing/late-library.ts');
    const { stdout } = await promisify(execFile)(process.execPath, [program, home]);
    expect(JSON.parse(stdout)).toEqual(['it is not installed yet', true, true]);
  } finally {
    await rm(home, { recursive: true });
  }
});
