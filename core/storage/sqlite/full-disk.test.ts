import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { claimNow, finish, mail } from '../../../tests/contract/mail.ts';
import { describeWith } from '../../../tests/support/describe-with.ts';
import { waitFor } from '../../../tests/support/wait-for.ts';
import type { MessageStore } from '../ports/message-store.ts';
import { connectDeliveryStore } from './delivery-client.ts';
import { smallDisk } from './testing/small-disk.ts';
import { openTestStore } from './testing/test-store.ts';

const megabyte = 1024 * 1024;

/** Commits until refused; answers what was acknowledged, and what else was said. */
async function fill(messages: MessageStore): Promise<{ accepted: string[]; refusals: Set<string> }> {
  const accepted: string[] = [];
  const refusals = new Set<string>();
  while (refusals.size === 0) {
    const batch = Array.from({ length: 10 }, () => mail({ bytes: Buffer.alloc(20_000, accepted.length) }));
    const answers = await Promise.allSettled(batch.map((message) => messages.commit(message)));
    answers.forEach((answer, n) => {
      if (answer.status === 'fulfilled') accepted.push(batch[n]?.facts.id ?? '');
      else refusals.add(answer.reason.code);
    });
  }
  return { accepted, refusals };
}

describeWith(['tmpfs'], 'a full disk', () => {
  it('refuses mail, still records deliveries, takes mail again once there is room, and lost nothing', async () => {
    await using disk = await smallDisk(32);
    const options = { reserve: 4 * megabyte, freeSpace: megabyte };
    const store = await openTestStore(disk.path, options);
    const relay = connectDeliveryStore(store.deliveryPort());
    expect(store.messages.hasRoom()).toBe(true);
    await disk.occupy(18 * megabyte);

    const { accepted, refusals } = await fill(store.messages);
    expect([...refusals]).toEqual(['STORE_FULL']);
    expect(accepted.length).toBeGreaterThan(0);
    expect(existsSync(join(disk.path, 'reserve'))).toBe(false);
    await waitFor('the low-water mark to be seen', () => !store.messages.hasRoom());
    await expect(store.messages.commit(mail())).rejects.toMatchObject({ code: 'STORE_FULL' });

    const claims = await claimNow(relay.deliveries, accepted.length);
    expect(claims.map(({ record }) => record.id).sort()).toEqual([...accepted].sort());
    const half = claims.slice(0, Math.ceil(claims.length / 2));
    const settled = await Promise.all(half.map((one) => finish(relay.deliveries, one)));
    expect(settled.every(({ status }) => status === 'settled')).toBe(true);
    expect(await store.mailLog.conservation()).toMatchObject({ accepted: accepted.length, balanced: true });

    await disk.free();
    await waitFor('room', () => store.messages.hasRoom());
    const again = mail();
    await store.messages.commit(again);
    expect(existsSync(join(disk.path, 'reserve'))).toBe(true);
    await relay.close();
    await store.close();

    const later = await openTestStore(disk.path, options);
    for (const id of [...accepted, again.facts.id]) expect(await later.mailLog.get(id), id).not.toBeNull();
    expect((await later.mailLog.conservation()).states.delivered).toBe(half.length);
    await later.close();
  });

  it('does not stop a start: what waits can be delivered', async () => {
    await using disk = await smallDisk(16);
    const first = await openTestStore(disk.path, { reserve: 2 * megabyte });
    const message = mail();
    await first.messages.commit(message);
    await first.close();
    await disk.occupy(16 * megabyte).catch(() => undefined);

    const store = await openTestStore(disk.path, { reserve: 2 * megabyte, freeSpace: megabyte });
    expect(store.messages.hasRoom()).toBe(false);
    const relay = connectDeliveryStore(store.deliveryPort());
    const [one] = await claimNow(relay.deliveries);
    if (one === undefined) throw new Error('nothing could be claimed');
    expect(await finish(relay.deliveries, one)).toMatchObject({ status: 'settled' });
    await relay.close();
    await store.close();
  });
});
