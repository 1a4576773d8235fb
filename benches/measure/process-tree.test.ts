import { expect, it } from 'vitest';
import { startChild } from '../../tests/support/child.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import { processorTime, processTree, proportionalMemory, residentMemory } from './process-tree.ts';

const burn = 'const end = Date.now() + 200; while (Date.now() < end);';

it('counts a process, its children, and those that have ended', async () => {
  const program = `require('child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(burn)}]);
    require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']); console.log('ready');`;
  await using child = startChild(process.execPath, ['-e', program], { group: true });
  await waitFor('both', () => child.stdout().includes('ready') && processTree(child.pid).length === 2);
  // It burnt 200 ms by the wall clock, of which a busy machine gives it a part.
  expect(processorTime(child.pid)).toBeGreaterThan(30);
  expect(proportionalMemory(child.pid)).toBeGreaterThan(10);
  const resident = residentMemory(child.pid);
  expect(resident.highest).toBeGreaterThanOrEqual(resident.now);
});
