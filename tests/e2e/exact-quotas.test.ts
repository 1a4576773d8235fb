import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Account, createCredential, registerFirst, type SmtpCredential } from '../support/api-client.ts';
import { type Sluice, startSluice } from '../support/process.ts';
import { SmtpDialogue } from '../support/smtp-dialogue.ts';
import { waitFor } from '../support/wait-for.ts';

/* Quotas in recipients, from outside: eight clients at once, refused and aborted mail, kill -9 and restart. */

let relay: Sluice;
let account: Account;

beforeAll(async () => {
  relay = await startSluice();
  account = await registerFirst(relay.api);
});
afterAll(() => relay?.stop());

// A new hour in the middle of a test would bring a new quota.
beforeEach(async () => {
  const hour = 3_600_000;
  await waitFor('an hour that lasts', () => hour - (Date.now() % hour) > 30_000, { timeout: 40_000, interval: 500 });
}, 60_000);

const login = async ({ username, password }: SmtpCredential): Promise<SmtpDialogue> => {
  const client = await SmtpDialogue.open(relay.ports.smtp);
  await client.expect(250, 'EHLO client.test');
  await client.startTls();
  await client.expect(250, 'EHLO client.test');
  const answer = await client.login(username, password);
  if (answer.code !== 235) throw new Error(`login: ${answer.code} ${answer.text}`);
  return client;
};

const from = 'From: me@example.com\r\n\r\nhello';

test('eight clients at once get exactly what the hour allows', async () => {
  const credential = await createCredential(account, { hourly_quota: 100, daily_quota: 1_000 });
  let accepted = 0;
  const refusals = new Set<string>();
  await Promise.all(
    Array.from({ length: 8 }, async (_, client) => {
      await using dialogue = await login(credential);
      let refused = 0;
      // Ten refusals would end the connection.
      for (let round = 0; round < 12 && refused < 9; round += 1) {
        await dialogue.expect(250, 'MAIL FROM:<me@example.com>');
        let recipients = 0;
        for (let i = 0; i < 1 + ((client + round) % 4); i += 1) {
          const answer = await dialogue.command(`RCPT TO:<r${i}@example.org>`);
          if (answer.code !== 250) {
            refusals.add(`${answer.code} ${answer.text}`);
            refused += 1;
            break;
          }
          recipients += 1;
        }
        // Every fifth message is taken back, which has to cost nothing.
        if (recipients === 0 || round % 5 === 4) await dialogue.expect(250, 'RSET');
        else {
          await dialogue.expect(354, 'DATA');
          const answer = await dialogue.command(`${from}\r\n.`);
          expect(answer.code, answer.text).toBe(250);
          accepted += recipients;
        }
      }
    }),
  );
  // What a client held and took back in the end is free again: one more takes exactly that.
  await using last = await login(credential);
  await last.expect(250, 'MAIL FROM:<me@example.com>');
  let rest = 0;
  while ((await last.command(`RCPT TO:<rest${rest}@example.org>`)).code === 250) rest += 1;
  expect(accepted + rest).toBe(100);
  expect(refusals.size).toBeGreaterThan(0);
  for (const refusal of refusals) {
    expect(refusal).toMatch(/^452 4\.7\.1 hourly quota of 100 used up; resets at \d\d:00 UTC$/);
  }
});

test('refused and aborted mail costs nothing, and kill -9 forgets nothing', async () => {
  const credential = await createCredential(account, { hourly_quota: 3, daily_quota: null, over_limit: 'reject' });
  const offer = async (recipients: number): Promise<SmtpDialogue> => {
    const dialogue = await login(credential);
    await dialogue.expect(250, 'MAIL FROM:<me@example.com>');
    for (let i = 0; i < recipients; i += 1) await dialogue.expect(250, `RCPT TO:<r${i}@example.org>`);
    return dialogue;
  };
  await using refused = await offer(3);
  await refused.expect(354, 'DATA');
  expect((await refused.command('From: me@example.com\r\n\r\nbare\nnewline\r\n.')).code).toBeGreaterThanOrEqual(500);
  await using cutOff = await offer(3);
  await cutOff.expect(354, 'DATA');
  cutOff.write('From: me@example.com\r\n\r\nhal');
  cutOff.end();
  await cutOff.closed();
  await using accepted = await offer(2);
  await accepted.expect(354, 'DATA');
  expect((await accepted.command(`${from}\r\n.`)).code).toBe(250);

  await relay.kill();
  await relay.start();
  await using after = await login(credential);
  await after.expect(250, 'MAIL FROM:<me@example.com>');
  await after.expect(250, 'RCPT TO:<one-left@example.org>');
  expect(await after.command('RCPT TO:<none-left@example.org>')).toMatchObject({
    code: 550,
    text: expect.stringMatching(/^5\.7\.1 hourly quota of 3 used up; resets at \d\d:00 UTC$/),
  });
});
