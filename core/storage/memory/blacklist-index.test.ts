import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type SingleProcess, startSingleProcess } from '../../../tests/support/single-process.ts';
import { waitFor } from '../../../tests/support/wait-for.ts';
import type { Blacklist, BlacklistEntry } from '../ports/blacklist.ts';
import { wholeBlacklist } from '../ports/bus.ts';
import { MemoryBlacklistIndex } from './blacklist-index.ts';

let relay: SingleProcess;
beforeEach(async () => {
  relay = await startSingleProcess();
});
afterEach(() => relay.close());

const entry = (network: string, expiresAt: number | null = null): BlacklistEntry => ({
  id: uuidv7(),
  network,
  reason: `listed as ${network}`,
  source: 'manual',
  createdAt: 0,
  updatedAt: 0,
  expiresAt,
});

const start = (pollMilliseconds: number) => MemoryBlacklistIndex.start({ ...relay, pollMilliseconds });

it('answers the narrowest entry that is in force', async () => {
  const now = relay.clock.now();
  await relay.blacklist.put(entry('10.0.0.0/8'));
  await relay.blacklist.put(entry('10.1.2.3/32', now + 1_000));
  await relay.blacklist.put(entry('10.1.0.0/16', now));
  const index = await start(3_600_000);
  expect(index.match('10.1.2.3')?.network).toBe('10.1.2.3/32');
  relay.clock.advance(1_000);
  expect(index.match('10.1.2.3')?.network).toBe('10.0.0.0/8');
  expect(index.match('11.1.2.3')).toBeUndefined();
  expect(index.match('nonsense')).toBeUndefined();
  await index.close();
});

it('hears of a change by the bus, and finds by polling what the bus did not tell', async () => {
  const told = await start(3_600_000);
  const polling = await start(5);
  const first = entry('192.0.2.1/32');
  await relay.blacklist.put(first);
  await waitFor('the entry to be found', () => polling.match('192.0.2.1') !== undefined);
  expect(told.match('192.0.2.1')).toBeUndefined();
  relay.bus.publish({ kind: 'blacklist', id: first.id });
  await told.current();
  expect(told.match('192.0.2.1')).toEqual(first);
  await relay.blacklist.remove(first.id);
  await waitFor('the entry to be gone', () => polling.match('192.0.2.1') === undefined);
  await told.close();
  await polling.close();
});

it('reads everything again when the bus lost events', async () => {
  const index = await start(3_600_000);
  await relay.blacklist.put(entry('192.0.2.1/32'));
  await index.current();
  expect(index.match('192.0.2.1')).toBeUndefined();
  relay.bus.publish({ kind: 'missed' });
  await index.current();
  expect(index.match('192.0.2.1')?.network).toBe('192.0.2.1/32');
  await index.close();
});

it('keeps what it knows while the database cannot be read', async () => {
  const first = entry('192.0.2.1/32');
  await relay.blacklist.put(first);
  let broken = false;
  const unless = <T>(read: () => Promise<T>) => (broken ? Promise.reject(new Error('gone')) : read());
  const blacklist: Blacklist = {
    ...relay.blacklist,
    get: (id) => unless(() => relay.blacklist.get(id)),
    list: (filter, options) => unless(() => relay.blacklist.list(filter, options)),
  };
  const index = await MemoryBlacklistIndex.start({ ...relay, blacklist, pollMilliseconds: 3_600_000 });
  broken = true;
  relay.bus.publish({ kind: 'blacklist', id: first.id });
  relay.bus.publish({ kind: 'blacklist', id: wholeBlacklist });
  await index.current();
  expect(index.match('192.0.2.1')).toEqual(first);
  await index.close();
});

it('reads the entry that changed, or the whole list where many did', async () => {
  const index = await start(3_600_000);
  const [told, untold] = [entry('192.0.2.1/32'), entry('192.0.2.2/32')];
  await relay.blacklist.putAll([told, untold]);
  relay.bus.publish({ kind: 'blacklist', id: told.id });
  await index.current();
  expect([index.match('192.0.2.1'), index.match('192.0.2.2')]).toEqual([told, undefined]);
  relay.bus.publish({ kind: 'blacklist', id: wholeBlacklist });
  await index.current();
  expect(index.match('192.0.2.2')).toEqual(untold);
  await index.close();
});

it('follows an entry to another network, and forgets no other that took its place', async () => {
  const index = await start(3_600_000);
  const tell = async ({ id }: BlacklistEntry) => {
    relay.bus.publish({ kind: 'blacklist', id });
    await index.current();
  };
  const moved = entry('192.0.2.1/32');
  await relay.blacklist.put(moved);
  await tell(moved);
  await relay.blacklist.update(moved.id, { network: '192.0.2.2/32', updatedAt: 1 });
  await tell(moved);
  expect([index.match('192.0.2.1'), index.match('192.0.2.2')?.id]).toEqual([undefined, moved.id]);
  const heir = entry('192.0.2.2/32');
  await relay.blacklist.put(heir);
  await tell(heir);
  await tell(moved);
  expect(index.match('192.0.2.2')).toEqual(heir);
  await relay.blacklist.remove(heir.id);
  await tell(heir);
  expect(index.match('192.0.2.2')).toBeUndefined();
  await index.close();
});
