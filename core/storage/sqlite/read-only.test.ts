import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mail } from '../../../tests/contract/mail.ts';
import { describeWith } from '../../../tests/support/describe-with.ts';
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts';
import { smallDisk } from './testing/small-disk.ts';
import { openTestStore } from './testing/test-store.ts';

describeWith(['tmpfs'], 'a read-only file system', () => {
  it('stops the start with what to look at', async () => {
    await using disk = await smallDisk(16);
    await (await openTestStore(disk.path)).close();
    disk.makeReadOnly();
    const refused = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('check the rights of') };
    await expect(openTestStore(disk.path)).rejects.toMatchObject(refused);
    await expect(openTestStore(join(disk.path, 'new'))).rejects.toMatchObject(refused);
  });
});

/** `chattr +i` takes the right to write from files that are open already; not every file system knows it. */
const changeable = spawnSync('chattr', ['-V', '+i', '/nonexistent']).error === undefined && process.getuid?.() === 0;

describe.skipIf(!changeable)('files that become read-only while open [needs root, chattr and ext4]', () => {
  it('refuse mail, acknowledge nothing, and take mail again once they can be written', async (context) => {
    await using folder = await temporaryFolder('read-only');
    const store = await openTestStore(folder.path);
    const before = mail();
    await store.messages.commit(before);
    const files = readdirSync(folder.path)
      .filter((name) => name.startsWith('sluice.db') && !name.endsWith('-shm'))
      .map((name) => join(folder.path, name));
    const set = (flag: '+i' | '-i'): boolean => spawnSync('chattr', [flag, ...files]).status === 0;
    if (!set('+i')) {
      await store.close();
      context.skip('this file system has no immutable files');
    }
    const refused = Array.from({ length: 5 }, () => mail());
    try {
      const answers = await Promise.allSettled(refused.map((message) => store.messages.commit(message)));
      for (const answer of answers) {
        expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } });
      }
    } finally {
      execFileSync('chattr', ['-i', ...files]);
    }
    const after = mail();
    await store.messages.commit(after);
    for (const { facts } of refused) expect(await store.mailLog.get(facts.id)).toBeNull();
    for (const { facts } of [before, after]) expect(await store.mailLog.get(facts.id)).not.toBeNull();
    await store.close();
  });
});
