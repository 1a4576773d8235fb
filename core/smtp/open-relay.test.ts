import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FrontEndLab, goodLogin, openLab } from '../../tests/support/front-end-lab.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';
import { reply } from '../domain/reply.ts';
import { grant, reject } from '../pipeline/verdict.ts';

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const us = 'relay.example';
const victim = 'victim.test';
/** Ways to write a recipient that have opened relays before (abuse.net, Postfix's and Exim's own probes). */
const recipients = [
  `user@${victim}`,
  `USER@${victim.toUpperCase()}`,
  `user@${victim}.`,
  `"user@${victim}"`,
  `"user@${victim}"@${us}`,
  `user%${victim}`,
  `user%${victim}@${us}`,
  `user%${victim}@[127.0.0.1]`,
  `"user%${victim}"@${us}`,
  `user@${victim}@${us}`,
  `"user@${victim}"@[127.0.0.1]`,
  `@${us}:user@${victim}`,
  `@[127.0.0.1]:user@${victim}`,
  `@${us},@${us}:user@${victim}`,
  `${victim}!user`,
  `${victim}!user@${us}`,
  `${victim}!user@[127.0.0.1]`,
  `"${victim}!user"@${us}`,
  `user@[192.0.2.1]`,
  `user@[IPv6:::ffff:127.0.0.1]`,
  `user@${us}`,
  'postmaster',
  `postmaster@${us}`,
  `user@localhost`,
  'user',
  `jürgen@${victim}`,
];
const senders = [
  '',
  `user@${victim}`,
  `user@${us}`,
  'user@localhost',
  `"a b"@${us}`,
  `user@[127.0.0.1]`,
  `@${us}:a@b.test`,
  'postmaster',
];

describe('without login', () => {
  it(`no form of ${recipients.length * senders.length} is relayed, with or without a demand for login`, async () => {
    const before = (await lab.accepted()).length;
    let probes = 0;
    for (const require_login of [true, false]) {
      await using server = await lab.start({
        listeners: [{ tls: 'none', auth_without_tls: true, require_login }],
        limits: { errors: 1_000, connections_per_address: 1_000 },
      });
      for (const sender of senders) {
        await using client = await SmtpDialogue.open(server.port);
        await client.expect(250, 'EHLO attacker.test');
        for (const recipient of recipients) {
          const mail = await client.command(`MAIL FROM:<${sender}> SMTPUTF8`);
          if (require_login) expect(mail.code, mail.text).toBeGreaterThanOrEqual(500);
          const rcpt = await client.command(`RCPT TO:<${recipient}>`);
          expect(rcpt.code, `MAIL FROM:<${sender}> RCPT TO:<${recipient}>: ${rcpt.text}`).toBeGreaterThanOrEqual(500);
          const data = await client.command('DATA');
          expect(data.code).toBeGreaterThanOrEqual(500);
          await client.expect(250, 'RSET');
          probes++;
        }
      }
    }
    expect(probes).toBeGreaterThanOrEqual(400);
    expect((await lab.accepted()).length).toBe(before);
  });

  it('MAIL is refused with what to do, RCPT where login is optional', async () => {
    await using strict = await lab.start();
    await using client = await SmtpDialogue.open(strict.port);
    await client.expect(250, 'EHLO x');
    expect(await client.command('MAIL FROM:<a@example.com>')).toEqual({ code: 530, text: '5.7.0 Log in first' });
    await using lax = await lab.start({ listeners: [{ require_login: false }] });
    await using other = await SmtpDialogue.open(lax.port);
    await other.expect(250, 'EHLO x');
    await other.expect(250, 'MAIL FROM:<a@example.com>');
    expect(await other.command('RCPT TO:<b@example.net>')).toEqual({
      code: 550,
      text: '5.7.1 Relaying is not permitted; log in first',
    });
  });
});

describe('the right to relay', () => {
  it('comes with a trusted network, whose mail belongs to it', async () => {
    await using server = await lab.start({
      listeners: [{ trusted_networks: [{ name: 'office', networks: ['::1', '127.0.0.0/8'] }] }],
    });
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(250, 'EHLO x');
    expect(await client.send('a@example.com', ['b@example.net'], 'Subject: x\r\n\r\n')).toMatchObject({ code: 250 });
    expect((await lab.accepted())[0]?.record).toMatchObject({ ownerId: 'network:office', credentialId: null });
  });

  it('is for that network only', async () => {
    await using server = await lab.start({
      listeners: [{ trusted_networks: [{ name: 'office', networks: ['127.0.0.2'] }] }],
    });
    await using outside = await SmtpDialogue.open(server.port);
    await outside.expect(250, 'EHLO x');
    await outside.expect(530, 'MAIL FROM:<a@example.com>');
    await using inside = await SmtpDialogue.open(server.port, { localAddress: '127.0.0.2' });
    await inside.expect(250, 'EHLO x');
    await inside.expect(250, 'MAIL FROM:<a@example.com>');
  });

  it.each([
    [true, 250],
    [false, 550],
  ])('comes with a grant where the configuration allows it: %s', async (mayGrant, code) => {
    await using server = await lab.start({
      listeners: [{ require_login: mayGrant }],
      mayGrant,
      handlers: { rcptTo: ({ recipient }) => (recipient.domain === 'local.test' ? grant('local') : undefined) },
    });
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(250, 'EHLO x');
    await client.expect(250, 'MAIL FROM:<a@example.com>');
    await client.expect(550, 'RCPT TO:<b@example.net>');
    await client.expect(code, 'RCPT TO:<b@local.test>');
  });

  it('does not spare a recipient the gates', async () => {
    await using server = await lab.start({
      listeners: [{ tls: 'none', auth_without_tls: true }],
      handlers: { rcptTo: () => reject(reply(550, '5.1.1', 'No such user')) },
    });
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(250, 'EHLO x');
    await client.expect(235, goodLogin);
    await client.expect(250, 'MAIL FROM:<a@example.com>');
    expect(await client.command('RCPT TO:<b@example.net>')).toEqual({ code: 550, text: '5.1.1 No such user' });
  });
});

it('with login, percent hack, bang path and source route are refused still, unless turned on', async () => {
  const odd = [`user%${victim}@${us}`, `${victim}!user@${us}`, `@${us}:user@${victim}`];
  for (const allowed of [false, true]) {
    await using server = await lab.start({
      listeners: [{ tls: 'none', auth_without_tls: true }],
      addresses: { percent_hack: allowed, bang_path: allowed, source_route: allowed },
    });
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(250, 'EHLO x');
    await client.expect(235, goodLogin);
    await client.expect(250, 'MAIL FROM:<a@example.com>');
    for (const recipient of odd) await client.expect(allowed ? 250 : 553, `RCPT TO:<${recipient}>`);
  }
});
