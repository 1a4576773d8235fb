import { expect, test } from 'vitest';
import { apiClient, createCredential, registerFirst } from '../support/api-client.ts';
import { startCaptureSink } from '../support/capture-sink.ts';
import { startSluice } from '../support/process.ts';
import { at } from '../support/sink-script.ts';
import { SmtpDialogue } from '../support/smtp-dialogue.ts';
import { waitFor } from '../support/wait-for.ts';

/* What must not be read in a log, whatever its level: passwords in every form in which they come, tokens, keys. */

const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('at level trace, no password, token or key that was shown to Sluice is in what it prints', async () => {
  const upstreamPassword = 'planted-upstream-password';
  const jwtSecret = 'planted-jwt-secret-of-more-than-32-characters';
  const secretsKey = 'planted-secrets-key-of-more-than-32-characters';
  // An upstream that does not know us: what is said about a login that failed is what a secret gets into most easily.
  await using upstream = await startCaptureSink({
    extensions: ['AUTH PLAIN LOGIN'],
    script: at('auth', { reply: '535 5.7.8 Not you' }),
  });
  await using relay = await startSluice({
    configure: (config) => ({
      ...config,
      log: { level: 'trace' },
      worker: { retry: { first: '100ms', most: '1s' } },
    }),
    env: {
      JWT_SECRET: jwtSecret,
      SLUICE_SECRETS_KEY: secretsKey,
      UPSTREAM_SMTP_HOST: '127.0.0.1',
      UPSTREAM_SMTP_PORT: String(upstream.port),
      UPSTREAM_SMTP_TLS: 'none',
      UPSTREAM_SMTP_USERNAME: 'planted-upstream-user',
      UPSTREAM_SMTP_PASSWORD: upstreamPassword,
    },
  });
  const account = await registerFirst(relay.api);
  const credential = await createCredential(account);
  const reset = await account.call('POST', `/api/smtp-credentials/${credential.id}/reset-password`);
  const password = String(Reflect.get(Object(reset.body), 'password'));
  const call = apiClient(relay.api);
  const wrong = 'planted-wrong-password';
  await call('POST', '/api/auth/login', { email: 'test@example.com', password: wrong });
  await apiClient(relay.api, `${account.token}x`)('GET', '/api/mail-logs');

  const secrets = [credential.password, wrong];
  for (const [mechanism, secret] of [
    ['PLAIN', wrong],
    ['LOGIN', wrong],
    ['PLAIN', password],
  ] as const) {
    await using client = await SmtpDialogue.open(relay.ports.smtp);
    await client.expect(250, 'EHLO client.test');
    await client.startTls();
    await client.expect(250, 'EHLO client.test');
    const plain = base64(`\0${credential.username}\0${secret}`);
    secrets.push(plain, base64(secret));
    if (mechanism === 'PLAIN') await client.command(`AUTH PLAIN ${plain}`);
    else {
      await client.expect(334, 'AUTH LOGIN');
      await client.expect(334, base64(credential.username));
      await client.command(base64(secret));
    }
    // Out of order: what stands where a command should must not be logged as one either.
    await client.command(plain);
    if (secret !== password) continue;
    const sent = await client.send('me@example.com', ['you@example.org'], 'From: me@example.com\r\n\r\nplanted-body');
    expect(sent.code, sent.text).toBe(250);
  }
  await waitFor('the login there to fail', () => relay.output().includes('535 5.7.8 Not you'));
  expect(await relay.terminate()).toMatchObject({ code: 0 });

  secrets.push(password, 'password123', account.token, jwtSecret, secretsKey, upstreamPassword, 'planted-body');
  secrets.push(base64(`\0planted-upstream-user\0${upstreamPassword}`));
  const output = relay.output();
  expect(secrets.filter((secret) => output.includes(secret))).toEqual([]);
});
