import { createTransport } from 'nodemailer';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createCredential, registerFirst } from '../support/api-client.ts';
import { startSluice } from '../support/process.ts';
import { waitFor } from '../support/wait-for.ts';

const page = z.object({ items: z.array(z.object({ id: z.string(), subject: z.string().nullable() })) });

/** Without an upstream nothing is sent to anyone: the mail is kept, and its owner can read it word for word. */
test('mail without an upstream lies in the capture box, to be read through the API by its owner', async () => {
  await using relay = await startSluice();
  const account = await registerFirst(relay.api);
  const { username, password } = await createCredential(account);
  const transport = createTransport({
    host: '127.0.0.1',
    port: relay.ports.smtp,
    requireTLS: true,
    tls: { rejectUnauthorized: false },
    auth: { user: username, pass: password },
  });
  const text = `${'A large captured mail. '.repeat(20_000)}the end`;
  await transport.sendMail({ from: 'me@example.com', to: 'you@example.org', subject: 'kept', text });
  transport.close();

  const [captured] = await waitFor('the mail in the capture box', async () => {
    const { items } = page.parse((await account.call('GET', '/api/mail-logs?status=captured')).body);
    return items.length > 0 ? items : undefined;
  });
  expect(captured?.subject).toBe('kept');
  const url = `${relay.api}/api/mail-logs/${captured?.id}/raw`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${account.token}` } });
  expect(answer.headers.get('content-type')).toBe('message/rfc822');
  expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="[0-9a-f-]+\.eml"$/);
  const raw = await answer.text();
  expect(raw).toMatch(/^Received: from /);
  expect(raw).toMatch(/^Subject: kept\r$/m);
  expect(raw.replaceAll(/=?\r\n/g, '')).toContain('the end');

  expect((await fetch(url)).status).toBe(401);
  const other = await account.call('POST', '/api/users', {
    username: 'other',
    email: 'other@example.com',
    password: 'password123',
  });
  expect(other.status).toBe(201);
  const login = await account.call('POST', '/api/auth/login', { email: 'other@example.com', password: 'password123' });
  const { token } = z.object({ token: z.string() }).parse(login.body);
  expect((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(404);
});
