import { expect, test } from 'vitest';
import { recipient } from '../../tests/contract/mail.ts';
import { startCaptureSink } from '../../tests/support/capture-sink.ts';
import { freePort } from '../../tests/support/free-port.ts';
import { startRelayLab } from '../../tests/support/relay-lab.ts';
import { at, atFirst, type SinkAnswer, type SinkPhase } from '../../tests/support/sink-script.ts';
import { waitFor } from '../../tests/support/wait-for.ts';

const tried = ({ lastReply }: { lastReply: string | null }) => lastReply !== null;
const local = (name: string, port: number, more: Record<string, unknown> = {}) => ({
  name,
  host: '127.0.0.1',
  port,
  ...more,
});

async function twoSinks() {
  const first = await startCaptureSink();
  const second = await startCaptureSink();
  const lab = await startRelayLab({ upstreams: [local('first', first.port), local('second', second.port)] });
  return {
    first,
    second,
    lab,
    async [Symbol.asyncDispose]() {
      await lab[Symbol.asyncDispose]();
      await Promise.all([first.stop(), second.stop()]);
    },
  };
}

test('the second takes over where the first cannot be reached', async () => {
  await using up = await twoSinks();
  await up.first.stop();
  const id = await up.lab.submit();
  const after = await up.lab.until(id, tried);
  expect(after.recipients[0]).toMatchObject({ state: 'delivered', attempts: 1, upstream: 'second' });
  const attempts = await up.lab.storage.mailLog.attempts(id);
  expect(attempts.map(({ upstream, phase }) => [upstream, phase])).toEqual([
    ['first', 'connect'],
    ['second', 'done'],
  ]);
});

test.each<[SinkPhase, SinkAnswer, string]>([
  ['ehlo', { drop: true }, 'second'],
  ['mail', { drop: true }, 'second'],
  ['rcpt', { reply: '421 4.3.2 going', drop: true }, 'second'],
  ['data', { drop: true }, 'second'],
  ['mail', { reply: '530 5.7.0 log in' }, 'second'],
])('a failure at %s (%j) goes on with the next', async (phase, answer, by) => {
  await using up = await twoSinks();
  up.first.behave(at(phase, answer));
  const after = await up.lab.until(await up.lab.submit(), tried);
  expect(after.recipients[0]).toMatchObject({ state: 'delivered', upstream: by });
  expect(up.second.mails).toHaveLength(1);
});

test.each<[SinkPhase, SinkAnswer, string]>([
  ['dot', { drop: true }, 'deferred'],
  ['rcpt', { reply: '450 4.2.0 greylisted' }, 'deferred'],
  ['rcpt', { reply: '550 5.1.1 unknown' }, 'bounced'],
])('an answer at %s (%j), or one that cannot be known, is not asked for twice', async (phase, answer, state) => {
  await using up = await twoSinks();
  up.first.behave(at(phase, answer));
  const after = await up.lab.until(await up.lab.submit({ facts: { sender: '' } }), tried);
  expect(after.recipients[0]).toMatchObject({ state, upstream: 'first' });
  expect(up.second.mails).toHaveLength(0);
});

test('recipients go each by their own route, one transaction a route', async () => {
  const inside = await startCaptureSink();
  const outside = await startCaptureSink();
  {
    await using lab = await startRelayLab({
      upstreams: [
        local('outside', outside.port),
        local('inside', inside.port, { recipient_domains: ['corp.example'] }),
        { name: 'box', type: 'capture', recipient_domains: ['test.example'] },
      ],
    });
    const to = ['a@corp.example', 'b@example.com', 'c@corp.example', 'd@test.example'];
    const id = await lab.submit({ recipients: to.map((address) => recipient(address)) });
    const after = await lab.until(id, tried);
    expect(after.recipients.map(({ state, upstream }) => [state, upstream])).toEqual([
      ['delivered', 'inside'],
      ['delivered', 'outside'],
      ['delivered', 'inside'],
      ['captured', 'box'],
    ]);
    expect(inside.mails.map(({ recipients }) => recipients)).toEqual([['a@corp.example', 'c@corp.example']]);
    expect(outside.mails.map(({ recipients }) => recipients)).toEqual([['b@example.com']]);
  }
  await Promise.all([inside.stop(), outside.stop()]);
});

test('while an upstream is away its mail waits without attempts; when it is back all of it goes', async () => {
  const port = await freePort();
  await using lab = await startRelayLab({
    upstreams: [local('default', port, { breaker: { failures: 2, probe: '100ms' } })],
  });
  const ids = await Promise.all(Array.from({ length: 40 }, () => lab.submit()));
  for (const id of ids) {
    const after = await lab.until(id, tried);
    expect(after.recipients[0]).toMatchObject({ state: 'deferred', attempts: 0, postponed: true });
  }
  expect(lab.health.get('default')?.state).not.toBe('up');
  // A probe now and then, no stampede: what was held back was never tried.
  const tries = (await Promise.all(ids.map((id) => lab.storage.mailLog.attempts(id)))).filter(
    (each) => each.length > 0,
  );
  expect(tries.length).toBeLessThanOrEqual(25);

  const sink = await startCaptureSink({ port });
  await waitFor('all mail', () => sink.mails.length === ids.length, { timeout: 25_000 });
  for (const id of ids) expect((await lab.until(id, tried)).recipients[0]).toMatchObject({ attempts: 1 });
  await waitFor('health', () => lab.health.get('default')?.state === 'up');
  expect(sink.mails).toHaveLength(ids.length);
  await sink.stop();
});

test('an upstream that takes only a few connections is served by these', async () => {
  const sink = await startCaptureSink({
    script: ({ phase, connection }) =>
      phase === 'connect' && connection >= 2 ? { reply: '421 4.7.0 too many connections', drop: true } : undefined,
    dotDelay: 5,
  });
  {
    await using lab = await startRelayLab({ upstreams: [local('default', sink.port)] });
    const ids = await Promise.all(Array.from({ length: 30 }, () => lab.submit()));
    for (const id of ids) {
      expect((await lab.until(id, tried)).recipients[0]).toMatchObject({ state: 'delivered', attempts: 1 });
    }
  }
  await sink.stop();
});

test('a single failed connection is no reason to hold back anything', async () => {
  const sink = await startCaptureSink({ script: atFirst('connect', { drop: true }) });
  {
    await using lab = await startRelayLab({ upstreams: [local('default', sink.port)] });
    const first = await lab.until(await lab.submit(), tried);
    expect(first.recipients[0]).toMatchObject({ state: 'deferred', attempts: 0 });
    const second = await lab.until(await lab.submit(), tried);
    expect(second.recipients[0]?.state).toBe('delivered');
    await sink.received(2);
  }
  await sink.stop();
});
