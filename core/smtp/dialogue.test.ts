import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FrontEndLab, goodLogin, openLab } from '../../tests/support/front-end-lab.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

it('takes a message after STARTTLS and login, and answers 250 once it is stored', async () => {
  await using server = await lab.start();
  await using client = await SmtpDialogue.open(server.port);
  await client.expect(250, 'EHLO client.example');
  await client.startTls();
  await client.expect(250, 'EHLO client.example');
  await client.expect(235, goodLogin);
  const sent = await client.send('a@example.com', ['b@example.net'], 'Subject: hello\r\n\r\n.dot\r\nbody');
  expect(sent).toMatchObject({ code: 250 });
  const id = /^2\.0\.0 queued as ([0-9a-f-]{36})$/.exec(sent.text)?.[1];
  const [newest] = await lab.accepted();
  expect(newest?.record).toMatchObject({ id, ownerId: 'owner-1', sender: 'a@example.com', subject: 'hello' });
  await client.expect(221, 'QUIT');
  await client.closed();
});
