import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { type Child, startChild } from '../../../tests/support/child.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { waitFor } from '../../../tests/support/wait-for.ts';
import { openTestStore } from './testing/test-store.ts';

const script = fileURLToPath(new URL('./testing/commit-child.ts', import.meta.url));

/** Ids after a word in what the child printed; a line cut off by the kill is not one it promised. */
const said = (child: Child, word: string): string[] =>
  child
    .stdout()
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith(`${word} `))
    .map((line) => line.slice(word.length + 1));

it('has every acknowledged commit and settlement after kill -9 at any moment, and is open to the next process', async () => {
  await using folder = await temporaryFolder('crash');
  const accepted: string[] = [];
  const delivered: string[] = [];
  let interrupted = 0;
  for (let round = 0; round < 8; round += 1) {
    await using child = startChild(process.execPath, [script, folder.path]);
    const wanted = 1 + Math.floor(Math.random() * 300);
    await waitFor('commits', () => said(child, 'accepted').length >= wanted || child.exit() !== undefined, {
      timeout: 30_000,
      interval: 1,
      detail: child.stderr,
    });
    expect(child.exit(), child.stderr()).toBeUndefined();
    expect(readFileSync(join(folder.path, 'pid'), 'utf8').trim()).toBe(String(child.pid));
    await child.kill();
    accepted.push(...said(child, 'accepted'));
    delivered.push(...said(child, 'delivered'));

    const store = await openTestStore(folder.path);
    const sum = await store.mailLog.conservation();
    expect(sum).toMatchObject({ balanced: true });
    expect(sum.accepted).toBeGreaterThanOrEqual(accepted.length);
    interrupted += sum.states.deferred;
    for (const id of accepted) {
      const entry = await store.mailLog.get(id);
      if (entry?.kind !== 'message') throw new Error(`${id} was acknowledged and is gone`);
      const state = entry.record.recipients[0]?.state;
      if (state !== 'delivered') expect(await store.mailLog.readChunk(id, 0)).not.toBeNull();
      if (delivered.includes(id)) expect(state).toBe('delivered');
    }
    await store.close();
  }
  expect(delivered.length).toBeGreaterThan(0);
  expect(interrupted, 'no kill met an open lease').toBeGreaterThan(0);
}, 120_000);
