import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { finish, mail } from '../../../../tests/contract/mail.ts';
import { chunkSize } from '../../ports/message-store.ts';
import { connectDeliveryStore } from '../delivery-client.ts';
import { openTestStore } from './test-store.ts';

/**
 * Commits and settles until killed: `commit-child.ts FOLDER`. Prints `ready`, then `accepted <id>` after each commit
 * that was acknowledged and `delivered <id>` after each settlement, unbuffered, as a 250 leaves a socket.
 */
const [folder = '.'] = process.argv.slice(2);
const store = await openTestStore(folder);
const relay = connectDeliveryStore(store.deliveryPort());
const say = (line: string): void => {
  writeSync(1, `${line}\n`);
};

async function commitSmall(): Promise<void> {
  const message = mail({ bytes: randomBytes(1 + Math.floor(Math.random() * 20_000)) });
  await store.messages.commit(message);
  say(`accepted ${message.facts.id}`);
}

async function commitLarge(): Promise<void> {
  const message = mail();
  await store.messages.beginBody(message.facts.id);
  for (const n of [0, 1, 2]) await store.messages.writeChunk(message.facts.id, n, randomBytes(chunkSize));
  await store.messages.commit({ ...message, body: { kind: 'chunks', count: 3 } });
  say(`accepted ${message.facts.id}`);
}

async function forever(work: () => Promise<void>): Promise<never> {
  for (;;) await work();
}

async function deliver(): Promise<void> {
  const { signal } = new AbortController();
  const claims = await relay.deliveries.claim({ limit: 5, worker: 'child', leaseMilliseconds: 45_000, signal });
  for (const one of claims) {
    await finish(relay.deliveries, one);
    say(`delivered ${one.record.id}`);
  }
}

say('ready');
await Promise.all([...Array.from({ length: 9 }, () => forever(commitSmall)), forever(commitLarge), forever(deliver)]);
