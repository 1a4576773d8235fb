import { once } from 'node:events';
import { connect } from 'node:net';
import { createTransport } from 'nodemailer';
import { describe, expect, it } from 'vitest';
import { startCaptureSink } from './capture-sink.ts';
import { bodyHash } from './captured-mail.ts';
import { startFaultProxy } from './fault-proxy.ts';
import { at, atFirst } from './sink-script.ts';
import { waitFor } from './wait-for.ts';

const send = (port: number, text = 'hello\r\n.dot\r\n..two\r\n') =>
  createTransport({ host: '127.0.0.1', port }).sendMail({
    envelope: { from: 'a@x.test', to: ['b@y.test', 'c@z.test'] },
    raw: `Message-ID: <one@x.test>\r\nSubject: s\r\n\r\n${text}`,
  });

describe('the capturing sink', () => {
  it('records envelope, octets and hash of what it took', async () => {
    await using sink = await startCaptureSink();
    await send(sink.port);
    const [mail] = await sink.received(1);
    expect(mail).toMatchObject({ sender: 'a@x.test', recipients: ['b@y.test', 'c@z.test'], messageId: '<one@x.test>' });
    const raw = 'Message-ID: <one@x.test>\r\nSubject: s\r\n\r\nhello\r\n.dot\r\n..two\r\n';
    expect(mail?.raw.toString()).toBe(raw);
    expect(mail?.bodyHash).toBe(bodyHash(Buffer.from(raw)));
  });

  it.each([1, 2, 3, 5, 7, 1_000])('finds the end of data in pieces of %i octets', async (size) => {
    await using sink = await startCaptureSink();
    const socket = connect(sink.port, '127.0.0.1').setNoDelay(true);
    const session = Buffer.from(
      'EHLO c\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n\r\nx\r\n.\ry\r\n..\r\n.\r\nMAIL FROM:<c@x>\r\nRCPT TO:<d@y>\r\nDATA\r\n.\r\nQUIT\r\n',
    );
    for (let i = 0; i < session.length; i += size) socket.write(session.subarray(i, i + size));
    socket.resume();
    await once(socket, 'close');
    expect(sink.mails.map((mail) => [mail.sender, mail.raw.toString()])).toEqual([
      ['a@x', '\r\nx\r\n.\ry\r\n.\r\n'],
      ['c@x', ''],
    ]);
  });

  it('takes two messages out of one, when it is lenient', async () => {
    const smuggled =
      'EHLO c\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\nx\n.\nMAIL FROM:<evil@x>\r\nRCPT TO:<v@y>\r\nDATA\r\nz\r\n.\r\nQUIT\r\n';
    for (const lenient of [true, false]) {
      await using sink = await startCaptureSink({ lenient });
      const socket = connect(sink.port, '127.0.0.1').resume();
      socket.write(smuggled);
      await once(socket, 'close');
      expect(sink.mails.length).toBe(lenient ? 2 : 1);
    }
  });

  it('answers a phase as its script says, and recovers', async () => {
    await using sink = await startCaptureSink({ script: atFirst('rcpt', { reply: '451 4.7.1 Later' }, 2) });
    await expect(send(sink.port)).rejects.toMatchObject({ responseCode: 451 });
    await send(sink.port);
    expect(sink.mails.length).toBe(1);
  });

  it('drops after the dot and counts it', async () => {
    await using sink = await startCaptureSink({ script: at('dot', { drop: true }) });
    await expect(send(sink.port)).rejects.toThrow();
    expect(sink.mails.length).toBe(0);
    await waitFor('the count', () => sink.cutOffs.dot === 1);
  });
});

describe('the fault proxy', () => {
  it('passes everything on, and cuts at the octet told', async () => {
    await using sink = await startCaptureSink();
    await using proxy = await startFaultProxy({ port: sink.port });
    await send(proxy.port);
    expect(sink.mails.length).toBe(1);
    proxy.inject({ cutAfter: 150 });
    await expect(send(proxy.port)).rejects.toThrow();
    await waitFor('the cut to be seen', () => sink.cutOffs.data === 1);
    expect(sink.mails.length).toBe(1);
  });

  it('holds back what the server says', async () => {
    await using sink = await startCaptureSink();
    await using proxy = await startFaultProxy({ port: sink.port });
    proxy.inject({ cutReplyAfter: 5 });
    const socket = connect(proxy.port, '127.0.0.1').setEncoding('utf8');
    let heard = '';
    socket.on('data', (text: string) => {
      heard += text;
    });
    await once(socket, 'close');
    expect(heard).toBe('220 s');
  });

  it('stalls both ways', async () => {
    await using sink = await startCaptureSink();
    await using proxy = await startFaultProxy({ port: sink.port });
    proxy.inject({ stallAfter: 8 });
    const transport = createTransport({
      host: '127.0.0.1',
      port: proxy.port,
      socketTimeout: 300,
      greetingTimeout: 300,
    });
    await expect(transport.sendMail({ from: 'a@x.test', to: 'b@y.test', text: 'x' })).rejects.toThrow();
    proxy.cutAll();
    expect(sink.mails.length).toBe(0);
  });
});
