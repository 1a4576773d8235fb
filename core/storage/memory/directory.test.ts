import { afterEach, beforeEach, expect, it } from 'vitest';
import { type SingleProcess, startSingleProcess } from '../../../tests/support/single-process.ts';
import { waitFor } from '../../../tests/support/wait-for.ts';
import { MemoryDirectory } from './directory.ts';

let relay: SingleProcess;
let directory: MemoryDirectory | undefined;

beforeEach(async () => {
  relay = await startSingleProcess();
});
afterEach(async () => {
  await directory?.close();
  directory = undefined;
  await relay.close();
});

const start = async (pollMilliseconds: number): Promise<MemoryDirectory> => {
  const { accounts, bus, log } = relay;
  directory = await MemoryDirectory.start({ accounts, bus, log, pollMilliseconds });
  return directory;
};

it('has everybody from the start, however many', async () => {
  const { credential } = await relay.issue();
  const { ownerId } = credential;
  for (let batch = 0; batch < 11; batch += 1) {
    await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        relay.accounts.insertCredential({ ...credential, id: `many-${batch}-${i}`, username: `many_${batch}_${i}` }),
      ),
    );
  }
  const loaded = await start(3_600_000);
  expect(loaded.user(ownerId)).toBeDefined();
  expect(loaded.usable(credential.id)).toBe(true);
  for (let batch = 0; batch < 11; batch += 1) expect(loaded.credentialByUsername(`many_${batch}_99`)).toBeDefined();
});

it('hears of a change by the bus', async () => {
  const loaded = await start(3_600_000);
  const { credential } = await relay.issue();
  await loaded.current();
  expect(loaded.usable(credential.id)).toBe(true);
  expect(loaded.credentialByUsername(credential.username.toUpperCase())?.id).toBe(credential.id);
  await relay.service.changeUser(credential.ownerId, { enabled: false });
  await loaded.current();
  expect(loaded.usable(credential.id)).toBe(false);
  expect(loaded.credential(credential.id)).toBeDefined();
});

it('reads everything again when the bus lost events', async () => {
  const { credential } = await relay.issue();
  const loaded = await start(3_600_000);
  await relay.accounts.updateCredential(credential.id, { enabled: false });
  await loaded.current();
  expect(loaded.usable(credential.id)).toBe(true);
  relay.bus.publish({ kind: 'missed' });
  await loaded.current();
  expect(loaded.usable(credential.id)).toBe(false);
});

it('finds a change by polling that the bus did not tell', async () => {
  const { credential } = await relay.issue();
  const loaded = await start(5);
  await relay.accounts.updateCredential(credential.id, { enabled: false });
  await waitFor('the change to be found', () => !loaded.usable(credential.id));
});

it('knows nothing of who does not exist', async () => {
  const loaded = await start(3_600_000);
  expect(loaded.credential('nothing')).toBeUndefined();
  expect(loaded.credentialByUsername('nobody')).toBeUndefined();
  expect(loaded.usable('nothing')).toBe(false);
});

it('keeps what it knows while the database cannot be read, but does not start without it', async () => {
  const { credential } = await relay.issue();
  let broken = false;
  const accounts = new Proxy(relay.accounts, {
    get(target, name) {
      if (broken) return () => Promise.reject(new Error('gone'));
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const { bus, log } = relay;
  directory = await MemoryDirectory.start({ accounts, bus, log, pollMilliseconds: 3_600_000 });
  broken = true;
  bus.publish({ kind: 'credential', id: credential.id });
  bus.publish({ kind: 'user', id: credential.ownerId });
  await directory.current();
  expect(directory.usable(credential.id)).toBe(true);
  await expect(MemoryDirectory.start({ accounts, bus, log })).rejects.toThrow('gone');
});
