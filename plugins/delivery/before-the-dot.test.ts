import { afterEach, beforeEach, expect, test } from 'vitest';
import { recipient } from '../../tests/contract/mail.ts';
import { type CaptureSink, startCaptureSink } from '../../tests/support/capture-sink.ts';
import { type RelayLab, startRelayLab } from '../../tests/support/relay-lab.ts';
import { waitFor } from '../../tests/support/wait-for.ts';

/* In a cluster a worker that was frozen may have lost its message: it asks the database before it ends one. */

const large = Buffer.from(`Subject: large\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(8_000)}`);
const bodies = [
  ['a small message', Buffer.from('Subject: small\r\n\r\nHello.\r\n')],
  ['a large message', large],
] as const;

let sink: CaptureSink;
let lab: RelayLab;
/** What was told, and what the database says to it. */
let told: (readonly number[])[];
let answer: () => Promise<boolean>;

beforeEach(async () => {
  told = [];
  sink = await startCaptureSink();
  lab = await startRelayLab({
    upstreams: [{ name: 'default', host: '127.0.0.1', port: sink.port }],
    wrap: (store) => ({
      claim: (options) => store.claim(options),
      renew: (leases, milliseconds) => store.renew(leases, milliseconds),
      settle: (settlement) => store.settle(settlement),
      readChunk: (id, n) => store.readChunk(id, n),
      wakeUpstream: (upstream, spread) => store.wakeUpstream(upstream, spread),
      tellDot: (_, recipients) => {
        told.push(recipients);
        return answer();
      },
    }),
  });
});
afterEach(async () => {
  await lab[Symbol.asyncDispose]();
  await sink.stop();
});

test.each(bodies)('the dot of %s waits until the database knows of it', async (_, bytes) => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  answer = () => promise;
  const id = await lab.submit({ bytes: Uint8Array.from(bytes), facts: { headerEdits: [] } });
  await waitFor('the question', () => told.length === 1);
  expect(sink.mails).toEqual([]);
  resolve(true);
  const [got] = await sink.received(1);
  expect(got?.raw.equals(bytes)).toBe(true);
  await lab.until(id, ({ state }) => state === 'delivered');
});

test.each(bodies)('%s that another worker took over is not ended, and nothing is recorded', async (_, bytes) => {
  answer = async () => false;
  const id = await lab.submit({ bytes: Uint8Array.from(bytes) });
  await waitFor('the connection to be dropped', () => sink.cutOffs.data === 1);
  expect(sink.mails).toEqual([]);
  await waitFor('the worker to be done', () => lab.worker.state().delivering === 0);
  expect(await lab.storage.mailLog.get(id)).toMatchObject({
    leased: true,
    record: { recipients: [{ state: 'queued', attempts: 0 }] },
  });
  expect(await lab.storage.mailLog.attempts(id)).toEqual([]);
});

test('a database that does not answer keeps the dot back, and the mail for later', async () => {
  answer = () => Promise.reject(new Error('the database is away'));
  const id = await lab.submit();
  const { recipients } = await lab.until(id, ({ state }) => state === 'deferred');
  expect(recipients[0]?.lastReply).toMatch(/^451 4\.3\.0 it could not be recorded/);
  expect(recipients[0]).not.toHaveProperty('ambiguous');
  expect(sink.mails).toEqual([]);
  answer = async () => true;
  await lab.retried(id);
  expect(sink.mails).toHaveLength(1);
});

test('only recipients that the upstream accepted are told of', async () => {
  answer = async () => true;
  const refused = 'no@example.com';
  sink.behave(({ phase, line }) =>
    phase === 'rcpt' && line.includes(refused) ? { reply: '550 5.1.1 no' } : undefined,
  );
  const addresses = ['a@example.com', refused, 'b@example.com'];
  await lab.submit({ recipients: addresses.map((address) => recipient(address)) });
  await sink.received(1);
  // The report about the other one is mail of its own, and comes after it.
  expect(told[0]).toEqual([0, 2]);
});
