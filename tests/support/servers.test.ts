import { createTransport } from 'nodemailer';
import { expect, it } from 'vitest';
import { describeWith } from './describe-with.ts';
import { startPostfix } from './postfix.ts';
import { startSmtpSink } from './smtp-sink.ts';

const send = (port: number, tls = false) =>
  createTransport({ host: '127.0.0.1', port, requireTLS: tls, tls: { rejectUnauthorized: false } }).sendMail({
    envelope: { from: 'a@x.test', to: ['b@y.test', 'c@z.test'] },
    raw: 'Subject: s\r\nMessage-ID: <m@x.test>\r\n\r\nhello\r\n.dot\r\n',
  });

describeWith(['smtp-sink'], 'smtp-sink', () => {
  it('captures envelope and message', async () => {
    await using sink = await startSmtpSink();
    await send(sink.port);
    await sink.received(1);
    const [mail] = await sink.captured();
    expect(mail).toMatchObject({ from: 'a@x.test', to: ['b@y.test', 'c@z.test'] });
    expect(mail?.raw.toString()).toContain('\n\nhello\n.dot\n');
  });

  it('fails at the phase it is told to', async () => {
    await using sink = await startSmtpSink({ hard: ['RCPT'], hardReply: '550 5.1.1 no' });
    await expect(send(sink.port)).rejects.toMatchObject({ responseCode: 550 });
  });
});

describeWith(['postfix', 'openssl'], 'Postfix instances', () => {
  it('relays from one of ours to another, over TLS, into its mailbox', async () => {
    await using last = await startPostfix({ tls: true });
    await using first = await startPostfix({
      relayTo: `127.0.0.1:${last.port}`,
      settings: { smtp_tls_security_level: 'encrypt' },
    });
    await send(first.port);
    const mails = await last.received(2);
    expect(mails.map((mail) => mail.recipient).sort()).toEqual(['b@y.test', 'c@z.test']);
    expect(mails[0]?.sender).toBe('a@x.test');
    expect(mails[0]?.raw.toString()).toContain('\n\nhello\n.dot\n');
    expect(await last.log()).toContain('status=sent (delivered to maildir)');
  });
});
