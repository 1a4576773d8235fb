import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { mail, recipient } from '../../tests/contract/mail.ts';
import { openSqlite } from '../../tests/contract/sqlite-storage.ts';
import { startCaptureSink } from '../../tests/support/capture-sink.ts';
import { startRelayLab } from '../../tests/support/relay-lab.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import type { RecipientRecord } from '../domain/message.ts';
import type { HookHandlers, Plugin } from '../pipeline/plugin.ts';
import { accept, contractVersion, defer, definePlugin, reject, reply } from '../pipeline/plugin.ts';
import type { DeliveryStore, Settlement } from '../storage/ports/delivery-store.ts';

const tried = ({ lastReply }: RecipientRecord) => lastReply !== null;

/** A plugin of the worker's role with these hooks; it stands before `delivery`. */
const plugin = (hooks: HookHandlers): Plugin =>
  definePlugin({
    name: 'test-hooks',
    version: '1.0.0',
    contract: contractVersion,
    summary: 'Hooks of a test',
    roles: ['worker'],
    config: z.strictObject({}),
    needs: {},
    init: () => ({ hooks }),
  }) as unknown as Plugin;

const sent = { do: 'delivered', reply: reply(250, '2.0.0', 'taken') } as const;

describe('what plugins answer', () => {
  test('nobody: the default sends', async () => {
    const asked: string[] = [];
    const silent = plugin({
      route: ({ record, recipient: index }) => {
        asked.push(`route ${record.recipients[index]?.address}`);
      },
      deliver: ({ job }) => {
        asked.push(`deliver ${job.recipients.length}`);
      },
    });
    await using lab = await startRelayLab({ plugins: [silent] });
    const id = await lab.submit({ recipients: [recipient('a@example.com'), recipient('b@example.com')] });
    expect((await lab.until(id, tried)).recipients.map(({ state }) => state)).toEqual(['captured', 'captured']);
    expect(asked).toEqual(['route a@example.com', 'route b@example.com', 'deliver 2']);
  });

  test('a throwing deliver defers, and may have sent: ambiguous', async () => {
    const broken = plugin({
      deliver: () => {
        throw new Error('broken');
      },
    });
    await using lab = await startRelayLab({ plugins: [broken] });
    const after = await lab.until(await lab.submit(), tried);
    expect(after.recipients[0]).toMatchObject({ state: 'deferred', attempts: 1, ambiguous: true });
  });

  test('a deliver that never answers defers after its deadline', async () => {
    const hanging = plugin({ deliver: { handler: () => new Promise(() => {}), timeoutMilliseconds: 30 } });
    await using lab = await startRelayLab({ plugins: [hanging] });
    const after = await lab.until(await lab.submit(), tried);
    expect(after.recipients[0]).toMatchObject({ state: 'deferred', attempts: 1, ambiguous: true });
  });

  test('a route refused for good bounces, one refused for now defers, the others go', async () => {
    const picky = plugin({
      route: async ({ record, recipient: index }) => {
        const address = record.recipients[index]?.address ?? '';
        if (address.startsWith('never')) return reject(reply(550, '5.7.1', 'not there'));
        if (address.startsWith('later')) return defer(reply(450, '4.7.1', 'not yet'));
        return undefined;
      },
    });
    await using lab = await startRelayLab({ plugins: [picky] });
    const to = ['never@example.com', 'later@example.com', 'now@example.com'];
    const id = await lab.submit({ recipients: to.map((address) => recipient(address)) });
    const after = await lab.until(id, tried);
    expect(after.recipients.map(({ state, lastReply }) => [state, lastReply?.slice(0, 9)])).toEqual([
      ['bounced', '550 5.7.1'],
      ['deferred', '450 4.7.1'],
      ['captured', '250 2.0.0'],
    ]);
    await waitFor('the report', async () => (await lab.reports()).length === 1);
  });

  test('edits made in the worker hold for the attempt, and observers hear of it after it is durable', async () => {
    const sink = await startCaptureSink();
    const heard: string[] = [];
    const signer = plugin({
      deliver: ({ message }) => message.headers.prepend('X-Signed', 'yes'),
      delivered: async ({ job }) => {
        heard.push((await lab.record(job.record.id)).recipients[0]?.state ?? '');
      },
    });
    await using lab = await startRelayLab({
      plugins: [signer],
      upstreams: [{ name: 'default', host: '127.0.0.1', port: sink.port }],
    });
    const id = await lab.submit();
    const [got] = await sink.received(1);
    expect(got?.raw.toString()).toMatch(/^X-Signed: yes\r\nReceived: from client\r\n/);
    await waitFor('the observer', () => heard.length > 0);
    expect(heard).toEqual(['delivered']);
    expect((await lab.record(id)).headerEdits).toHaveLength(1);
    await sink.stop();
  });
});

test('bytes that are not those that were accepted are held, not sent', async () => {
  const sink = await startCaptureSink();
  {
    await using lab = await startRelayLab({ upstreams: [{ name: 'default', host: '127.0.0.1', port: sink.port }] });
    const id = await lab.submit({ facts: { sha256: '0'.repeat(64) } });
    const after = await lab.until(id, tried);
    expect(after.recipients[0]).toMatchObject({
      state: 'held',
      nextAt: null,
      lastReply: expect.stringContaining('corrupt'),
    });
    const large = await lab.submit({
      facts: { sha256: '0'.repeat(64) },
      bytes: Buffer.from('a: b\r\n\r\n'.padEnd(600_000, 'x\r\n')),
    });
    expect((await lab.until(large, tried)).recipients[0]).toMatchObject({ state: 'held' });
    expect(sink.mails).toHaveLength(0);
  }
  await sink.stop();
});

test('mail past its age expires after a last try, and its sender hears 4.4.7', async () => {
  const sink = await startCaptureSink({
    script: ({ phase, sender }) => (phase === 'rcpt' && sender !== '' ? { reply: '450 4.2.0 greylisted' } : undefined),
  });
  {
    const upstreams = [{ name: 'default', host: '127.0.0.1', port: sink.port }];
    await using lab = await startRelayLab({ upstreams, worker: { max_age: '1h' } });
    const id = await lab.submit({
      facts: { acceptedAt: Date.now() - 7_200_000 },
      recipients: [recipient('a@example.com', { nextAt: Date.now() - 7_000_000 })],
    });
    // It was due when it was young: one more try, put off; then it is over.
    expect((await lab.until(id, tried)).recipients[0]).toMatchObject({ state: 'deferred', attempts: 1 });
    const done = await lab.retried(id);
    expect(done.recipients[0]).toMatchObject({ state: 'expired', attempts: 2 });
    const [report] = await sink.received(1);
    expect(report?.raw.toString()).toContain('Status: 4.4.7');
  }
  await sink.stop();
});

describe('the lease', () => {
  test('that is lost ends the work: nothing of it is written, the connection is dropped', async () => {
    let atData = false;
    const sink = await startCaptureSink({
      script: ({ phase }) => {
        if (phase !== 'data') return undefined;
        atData = true;
        return { stall: true };
      },
    });
    const settled: Settlement[] = [];
    const wrap = (store: DeliveryStore): DeliveryStore => ({
      claim: (options) => store.claim(options),
      renew: async (leases) => (atData ? leases.map(({ token }) => token) : []),
      settle: (settlement) => {
        settled.push(settlement);
        return store.settle(settlement);
      },
      readChunk: (id, n) => store.readChunk(id, n),
      wakeUpstream: (name, spread) => store.wakeUpstream(name, spread),
    });
    {
      await using lab = await startRelayLab({
        wrap,
        upstreams: [{ name: 'default', host: '127.0.0.1', port: sink.port }],
        worker: { lease_renewal: '50ms' },
      });
      await lab.submit();
      await waitFor('the dialogue', () => atData);
      await waitFor('its end', () => sink.connections.open === 0 && lab.worker.state().delivering === 0);
      expect(settled).toEqual([]);
    }
    await sink.stop();
  });

  test('is renewed for as long as an upstream takes', async () => {
    const sink = await startCaptureSink({ dotDelay: 3_000 });
    {
      await using lab = await startRelayLab({
        upstreams: [{ name: 'default', host: '127.0.0.1', port: sink.port }],
        worker: { lease: '1s', lease_renewal: '100ms' },
      });
      const after = await lab.until(await lab.submit(), tried);
      expect(after.recipients[0]).toMatchObject({ state: 'delivered', attempts: 1 });
      expect(sink.mails).toHaveLength(1);
    }
    await sink.stop();
  });
});

test('an outcome that cannot be written is written when the store is back: nothing is sent twice', async () => {
  const sink = await startCaptureSink();
  let failures = 3;
  const wrap = (store: DeliveryStore): DeliveryStore => ({
    claim: (options) => store.claim(options),
    renew: (leases, milliseconds) => store.renew(leases, milliseconds),
    settle: (settlement) => (failures-- > 0 ? Promise.reject(new Error('disk full')) : store.settle(settlement)),
    readChunk: (id, n) => store.readChunk(id, n),
    wakeUpstream: (name, spread) => store.wakeUpstream(name, spread),
  });
  {
    await using lab = await startRelayLab({
      wrap,
      upstreams: [{ name: 'default', host: '127.0.0.1', port: sink.port }],
    });
    const id = await lab.submit();
    expect((await lab.until(id, tried)).recipients[0]).toMatchObject({ state: 'delivered', attempts: 1 });
    expect(sink.mails).toHaveLength(1);
  }
  await sink.stop();
});

test('a claim that fails is made again', async () => {
  let failures = 2;
  const wrap = (store: DeliveryStore): DeliveryStore => ({
    claim: (options) => (failures-- > 0 ? Promise.reject(new Error('away')) : store.claim(options)),
    renew: (leases, milliseconds) => store.renew(leases, milliseconds),
    settle: (settlement) => store.settle(settlement),
    readChunk: (id, n) => store.readChunk(id, n),
    wakeUpstream: (name, spread) => store.wakeUpstream(name, spread),
  });
  await using lab = await startRelayLab({ wrap });
  expect((await lab.until(await lab.submit(), tried)).recipients[0]?.state).toBe('captured');
});

test('an operator who cancels what is being sent is heard when it is settled', async () => {
  const gate = Promise.withResolvers<void>();
  const slow = plugin({
    deliver: async ({ job }) => {
      await gate.promise;
      const outcomes = job.recipients.map((index) =>
        index === 0 ? sent : ({ do: 'deferred', reply: reply(450, '4.2.0', 'later') } as const),
      );
      return accept({ outcomes, attempts: [], phase: 'done' });
    },
  });
  await using lab = await startRelayLab({ plugins: [slow] });
  const id = await lab.submit({ recipients: [recipient('a@example.com'), recipient('b@example.com')] });
  await waitFor('the delivery', () => lab.worker.state().delivering === 1);
  expect(await lab.storage.queueActions.act(id, { do: 'cancel' })).toBe('requested');
  gate.resolve();
  const after = await lab.until(id, ({ finalAt }) => finalAt !== null);
  expect(after.recipients.map(({ state }) => state)).toEqual(['delivered', 'cancelled']);
});

test('mail that an operator bounces is returned to its sender without asking any plugin', async () => {
  const asked: string[] = [];
  const nosy = plugin({
    route: ({ record }) => {
      asked.push(record.id);
      return undefined;
    },
  });
  await using lab = await startRelayLab({ plugins: [nosy], stopped: true });
  const id = await lab.submit({ recipients: [recipient('a@example.com', { state: 'held', nextAt: null })] });
  expect(await lab.storage.queueActions.act(id, { do: 'bounce' })).toBe('requested');
  lab.worker.start();
  const { recipients } = await lab.until(id, ({ finalAt }) => finalAt !== null);
  expect(recipients).toMatchObject([
    { state: 'bounced', lastReply: '554 5.7.0 returned to its sender by an operator of the relay' },
  ]);
  expect(recipients[0]).not.toHaveProperty('bounceOrdered');
  expect(await lab.reports()).toMatchObject([{ recipients: [{ address: 'from@example.org' }] }]);
  expect(asked).not.toContain(id);
});

test('rerouted mail goes to its new upstream and no other, whatever the plugins answer', async () => {
  await using lab = await startRelayLab({
    upstreams: [
      { name: 'first', type: 'capture' },
      { name: 'second', type: 'capture', recipient_domains: ['elsewhere.test'] },
    ],
    stopped: true,
  });
  const rerouted = await lab.submit();
  const other = await lab.submit();
  const lost = await lab.submit();
  await lab.storage.queueActions.act(rerouted, { do: 'reroute', upstream: 'second' });
  await lab.storage.queueActions.act(lost, { do: 'reroute', upstream: 'gone' });
  lab.worker.start();
  const upstreamOf = async (id: string) =>
    (await lab.until(id, ({ finalAt }) => finalAt !== null)).recipients[0]?.upstream;
  expect([await upstreamOf(rerouted), await upstreamOf(other)]).toEqual(['second', 'first']);
  const waits = await lab.until(lost, ({ attempts }) => attempts === 1);
  expect(waits.recipients[0]).toMatchObject({
    state: 'deferred',
    lastReply: expect.stringContaining('no longer configured'),
  });
});

describe('stopping', () => {
  test('finishes what is under way, gives back what was not begun, and a second stop is safe', async () => {
    const storage = await openSqlite();
    const gate = Promise.withResolvers<void>();
    const begun: string[] = [];
    const slow = plugin({
      deliver: async ({ job }) => {
        begun.push(job.record.id);
        await gate.promise;
        return accept({ outcomes: job.recipients.map(() => sent), attempts: [], phase: 'done' });
      },
    });
    const ids: string[] = [];
    {
      await using lab = await startRelayLab({ storage, plugins: [slow], worker: { concurrency: 2, ahead: 4 } });
      for (let n = 0; n < 6; n++) ids.push(await lab.submit());
      await waitFor('the claims', () => lab.worker.state().delivering === 2 && lab.worker.state().ready >= 3);
      const stopped = lab.worker.stop(60_000);
      const again = lab.worker.stop(60_000);
      gate.resolve();
      await Promise.all([stopped, again]);
      expect(lab.worker.state()).toEqual({ running: false, delivering: 0, ready: 0, settling: 0 });
      expect(begun).toHaveLength(2);
      for (const id of ids) {
        const entry = await storage.mailLog.get(id);
        if (entry?.kind !== 'message') throw new Error('gone');
        expect(entry.leased).toBe(false);
        expect(entry.record.recipients[0]).toMatchObject(
          begun.includes(id) ? { state: 'delivered', attempts: 1 } : { state: 'queued', attempts: 0 },
        );
      }
    }
    await using next = await startRelayLab({ storage });
    for (const id of ids) await next.until(id, ({ finalAt }) => finalAt !== null);
    await next.worker.stop(1_000);
    await storage.close();
  });

  test('breaks off after its grace, and says that a copy may have gone', async () => {
    const storage = await openSqlite();
    const sink = await startCaptureSink({ script: ({ phase }) => (phase === 'dot' ? { stall: true } : undefined) });
    let id = '';
    {
      const upstreams = [{ name: 'default', host: '127.0.0.1', port: sink.port }];
      await using lab = await startRelayLab({ storage, upstreams });
      id = await lab.submit();
      await waitFor('the dialogue', () => sink.connections.total === 1 && lab.worker.state().delivering === 1);
      await lab.worker.stop(50);
      const after = await lab.until(id, tried);
      expect(after.recipients[0]).toMatchObject({ state: 'deferred', ambiguous: true });
    }
    await storage.close();
    await sink.stop();
  });
});

test('five hundred messages at once: every one exactly once, however few connections', async () => {
  const sink = await startCaptureSink();
  {
    await using lab = await startRelayLab({
      upstreams: [{ name: 'default', host: '127.0.0.1', port: sink.port, connections: 3 }],
      worker: { concurrency: 10, ahead: 5 },
    });
    const messages = Array.from({ length: 500 }, (_, n) =>
      mail({ recipients: [recipient(`r${n}@example.com`)], bytes: Buffer.from(`Subject: ${n}\r\n\r\nx\r\n`) }),
    );
    await Promise.all(messages.map((message) => lab.storage.messages.commit(message)));
    await sink.received(500, 30_000);
    expect(new Set(sink.mails.flatMap(({ recipients }) => recipients)).size).toBe(500);
    expect(sink.mails).toHaveLength(500);
    await waitFor('the settlements', async () => (await lab.storage.mailLog.conservation()).states.delivered === 500);
    expect(sink.connections.total).toBeLessThanOrEqual(3);
  }
  await sink.stop();
});
