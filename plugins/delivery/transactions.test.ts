import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { recipient } from '../../tests/contract/mail.ts';
import { type CaptureSinkOptions, startCaptureSink } from '../../tests/support/capture-sink.ts';
import { labMessage, startRelayLab } from '../../tests/support/relay-lab.ts';
import { atFirst } from '../../tests/support/sink-script.ts';

/* What goes over the wire: octet for octet the message, with the parameters this upstream knows. */

async function relay(sinkOptions: CaptureSinkOptions = {}, upstream: Record<string, unknown> = {}) {
  const sink = await startCaptureSink(sinkOptions);
  const lab = await startRelayLab({
    upstreams: [{ name: 'default', host: '127.0.0.1', port: sink.port, ...upstream }],
  });
  return {
    sink,
    lab,
    async [Symbol.asyncDispose]() {
      await lab[Symbol.asyncDispose]();
      await sink.stop();
    },
  };
}

const tried = ({ lastReply }: { lastReply: string | null }) => lastReply !== null;

test('a message arrives as it was accepted, with its edits, dots and all', async () => {
  await using up = await relay();
  await up.lab.submit();
  const [got] = await up.sink.received(1);
  expect(got?.raw.toString()).toBe(`Received: from client\r\n${labMessage}`);
  expect(got?.mailCommand).toBe(
    `MAIL FROM:<from@example.org> SIZE=${got?.raw.length} BODY=8BITMIME`.replace(
      /SIZE=\d+/,
      // SIZE counts the octets on the wire, doubled dots and the final line included.
      `SIZE=${(got?.raw.length ?? 0) + 2 + 3}`,
    ),
  );
  expect(got?.rcptCommands).toEqual(['RCPT TO:<to@example.com>']);
});

test('connections are kept for many messages, and left after their number', async () => {
  await using up = await relay({}, { connections: 1, messages_per_connection: 4 });
  for (let n = 0; n < 10; n++) await up.lab.submit();
  await up.sink.received(10);
  expect(up.sink.connections.total).toBe(3);
});

test('a large message is sent in pieces, every octet of it, cut anywhere', async () => {
  await using up = await relay({ readPause: 1 });
  const line = Buffer.from(`.${'x'.repeat(60)}\r\n`);
  const body = Buffer.concat([Buffer.from('Subject: big\r\n\r\n'), ...Array.from({ length: 50_000 }, () => line)]);
  const id = await up.lab.submit({ bytes: body, facts: { headerEdits: [] } });
  const [got] = await up.sink.received(1);
  expect(
    createHash('sha256')
      .update(got?.raw ?? '')
      .digest('hex'),
  ).toBe(createHash('sha256').update(body).digest('hex'));
  expect((await up.lab.until(id, tried)).recipients[0]?.state).toBe('delivered');
});

describe('an upstream that breaks off a large message', () => {
  const body = Buffer.concat(
    [
      Buffer.from('Subject: big\r\n\r\n'),
      randomBytes(3_000_000)
        .toString('base64')
        .match(/.{1,70}/g)
        ?.join('\r\n') ?? '',
      '\r\n',
    ].map((part) => Buffer.from(part)),
  );

  test('by a refusal in its middle: bounced, and the connection is not used again', async () => {
    let answered = false;
    await using up = await relay({
      readPause: 1,
      // Says 552 while the body comes, as a server does that has had enough.
      script: ({ phase }) => {
        if (phase !== 'data' || answered) return undefined;
        answered = true;
        return { reply: '354 go on\r\n552 5.3.4 too much' };
      },
    });
    const id = await up.lab.submit({ bytes: body, facts: { headerEdits: [] } });
    const after = await up.lab.until(id, tried);
    expect(after.recipients[0]).toMatchObject({ state: 'bounced', lastReply: '552 5.3.4 too much' });
    const next = await up.lab.submit();
    expect((await up.lab.until(next, tried)).recipients[0]?.state).toBe('delivered');
  });
});

test.each([
  ['a bare LF', 'Subject: x\r\n\r\nbad\nline\r\n'],
  ['a bare CR', 'Subject: x\r\n\r\nbad\rline\r\n'],
  ['a NUL', 'Subject: x\r\n\r\nbad\0line\r\n'],
])('%s never leaves: the message is held', async (flaw, text) => {
  await using up = await relay();
  const id = await up.lab.submit({ bytes: Buffer.from(text) });
  const after = await up.lab.until(id, tried);
  expect(after.recipients[0]).toMatchObject({ state: 'held', nextAt: null, lastReply: expect.stringContaining(flaw) });
  expect(up.sink.mails).toHaveLength(0);
});

describe('extensions', () => {
  const utf8 = { facts: { parameters: { smtputf8: true } }, recipients: [recipient('grüße@example.com')] };

  test('SMTPUTF8 needed and offered', async () => {
    await using up = await relay();
    await up.lab.submit(utf8);
    const [got] = await up.sink.received(1);
    expect(got?.mailCommand).toMatch(/ SMTPUTF8$/);
    expect(got?.recipients).toEqual(['grüße@example.com']);
  });

  test('SMTPUTF8 needed and not offered: those who need it bounce with 5.6.7, the others get it', async () => {
    await using up = await relay({ extensions: ['PIPELINING'] });
    const id = await up.lab.submit({ ...utf8, recipients: [...utf8.recipients, recipient('plain@example.com')] });
    const after = await up.lab.until(id, tried);
    expect(after.recipients).toMatchObject([
      { state: 'bounced', lastReply: expect.stringMatching(/^550 5\.6\.7/) },
      { state: 'delivered' },
    ]);
    expect(up.sink.mails[0]?.recipients).toEqual(['plain@example.com']);
    expect(up.sink.mails[0]?.mailCommand).not.toContain('SMTPUTF8');
  });

  test('UTF-8 in the header block needs it, too', async () => {
    await using up = await relay({ extensions: [] });
    const id = await up.lab.submit({
      facts: { parameters: { smtputf8: true } },
      bytes: Buffer.from('Subject: Grüße\r\n\r\nx\r\n'),
    });
    expect((await up.lab.until(id, tried)).recipients[0]?.lastReply).toMatch(/^550 5\.6\.7/);
  });

  test('SIZE offered and exceeded: bounced with 5.3.4, unsent', async () => {
    await using up = await relay({ extensions: ['PIPELINING', 'SIZE 50'] });
    const id = await up.lab.submit();
    const after = await up.lab.until(id, tried);
    expect(after.recipients[0]).toMatchObject({ state: 'bounced', lastReply: expect.stringMatching(/^552 5\.3\.4/) });
    // The report is larger still, and nothing is said of a report.
    expect(up.sink.mails).toHaveLength(0);
  });

  test('8BITMIME not offered: the octets go as they are', async () => {
    await using up = await relay({ extensions: ['PIPELINING'] });
    await up.lab.submit({ bytes: Buffer.from('Subject: x\r\n\r\n\xe4\r\n', 'latin1') });
    const [got] = await up.sink.received(1);
    expect(got?.mailCommand).toBe('MAIL FROM:<from@example.org>');
    expect(got?.raw.at(-3)).toBe(0xe4);
  });

  const dsn = {
    facts: { parameters: { ret: 'HDRS', envid: 'QQ+2B314' } },
    recipients: [
      recipient('a@example.com', { parameters: { notify: ['SUCCESS', 'FAILURE'], orcpt: 'rfc822;A+2Bx@example.com' } }),
      recipient('b@example.com', { parameters: { notify: ['NEVER'] } }),
      recipient('c@example.com'),
    ],
  } as const;

  test('DSN offered: parameters for each recipient, exactly as received', async () => {
    await using up = await relay({ extensions: ['DSN'] });
    const id = await up.lab.submit(dsn);
    const [got] = await up.sink.received(1);
    expect(got?.mailCommand).toBe('MAIL FROM:<from@example.org> RET=HDRS ENVID=QQ+2B314');
    expect(got?.rcptCommands).toEqual([
      'RCPT TO:<a@example.com> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;A+2Bx@example.com',
      'RCPT TO:<b@example.com> NOTIFY=NEVER',
      'RCPT TO:<c@example.com>',
    ]);
    expect((await up.lab.until(id, tried)).recipients.map(({ state }) => state)).toEqual(Array(3).fill('delivered'));
    expect(await up.lab.reports()).toEqual([]);
  });

  test('DSN not offered: no parameters, and who asked for success is told that it was passed on', async () => {
    await using up = await relay({ extensions: [] });
    const id = await up.lab.submit(dsn);
    expect((await up.lab.until(id, tried)).recipients.map(({ state }) => state)).toEqual([
      'relayed',
      'delivered',
      'delivered',
    ]);
    const [got, report] = await up.sink.received(2);
    expect(got?.rcptCommands[0]).toBe('RCPT TO:<a@example.com>');
    expect(report).toMatchObject({ sender: '', recipients: ['from@example.org'] });
    const text = report?.raw.toString() ?? '';
    expect(text).toContain('Action: relayed\r\nStatus: 2.0.0');
    expect(text).toContain('Original-Recipient: rfc822; A+x@example.com');
    expect(text).toContain('Original-Envelope-Id: QQ+314');
    expect(text.match(/Final-Recipient/g)).toHaveLength(1);
  });
});

test('a kept connection that died meanwhile costs no attempt', async () => {
  await using up = await relay({ script: undefined });
  const first = await up.lab.submit();
  await up.lab.until(first, tried);
  // The second MAIL on that connection meets a 421, as after an idle time-out.
  up.sink.behave(atFirst('mail', { reply: '421 4.4.2 idle too long', drop: true }));
  const second = await up.lab.submit();
  const after = await up.lab.until(second, tried);
  expect(after.recipients[0]).toMatchObject({ state: 'delivered', attempts: 1 });
});

test('a refused message does not spoil the next one on the same connection', async () => {
  await using up = await relay({ script: atFirst('data', { reply: '451 4.3.0 not now' }) }, { connections: 1 });
  const first = await up.lab.submit();
  await up.lab.until(first, tried);
  const second = await up.lab.submit();
  expect((await up.lab.until(second, tried)).recipients[0]?.state).toBe('delivered');
  expect(up.sink.connections.total).toBe(1);
});

test('an upstream that is slow with one connection does not keep the others waiting', async () => {
  await using up = await relay({
    script: ({ phase, sender }) => (phase === 'dot' && sender === 'slow@example.org' ? { stall: true } : undefined),
  });
  const slow = await up.lab.submit({ facts: { sender: 'slow@example.org' } });
  const others = await Promise.all(Array.from({ length: 30 }, () => up.lab.submit()));
  for (const id of others) expect((await up.lab.until(id, tried)).recipients[0]?.state).toBe('delivered');
  expect((await up.lab.record(slow)).recipients[0]?.state).toBe('queued');
});

test('capture is the default: kept, and sent to nobody', async () => {
  await using lab = await startRelayLab();
  const id = await lab.submit();
  const after = await lab.until(id, tried);
  expect(after.recipients[0]).toMatchObject({ state: 'captured', attempts: 1, upstream: 'default' });
  expect(Buffer.from((await lab.storage.mailLog.readChunk(id, 0)) ?? '').equals(labMessage)).toBe(true);
  expect(lab.health.get('default')).toMatchObject({ state: 'up', target: 'capture' });
});

test('354 for a message without an accepted recipient is ended at once, empty', async () => {
  await using up = await relay({
    script: ({ phase }) =>
      phase === 'rcpt' ? { reply: '550 5.1.1 unknown' } : phase === 'data' ? { reply: '354 go on' } : undefined,
  });
  const id = await up.lab.submit({ facts: { sender: '' } });
  expect((await up.lab.until(id, tried)).recipients[0]).toMatchObject({
    state: 'bounced',
    lastReply: '550 5.1.1 unknown',
  });
  expect(await up.lab.reports()).toEqual([]);
});
