import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Account, createCredential, registerFirst, type SmtpCredential } from '../support/api-client.ts';
import { type Sluice, startSluice } from '../support/process.ts';
import { SmtpDialogue } from '../support/smtp-dialogue.ts';
import { waitFor } from '../support/wait-for.ts';

/* Guessing passwords from outside, by addresses of the loopback network that stand for different clients. */

let relay: Sluice;
let account: Account;

beforeEach(async () => {
  relay = await startSluice({
    configure: (config) => ({
      ...config,
      plugins: config.plugins.map((entry) =>
        entry.use === 'auth' ? { ...entry, config: { delay: { first: '1ms', most: '1ms' } } } : entry,
      ),
    }),
  });
  account = await registerFirst(relay.api);
});
afterEach(() => relay?.stop());

const open = async (localAddress: string): Promise<SmtpDialogue> => {
  const client = await SmtpDialogue.open(relay.ports.smtp, { localAddress });
  await client.expect(250, 'EHLO client.test');
  await client.startTls();
  await client.expect(250, 'EHLO client.test');
  return client;
};

/** One connection a guess, as those who guess do it. */
const guess = async (localAddress: string, username: string, password: string): Promise<string> => {
  await using client = await open(localAddress);
  const { code, text } = await client.login(username, password);
  return `${code} ${text}`;
};

const right = ({ username, password }: SmtpCredential, localAddress: string) => guess(localAddress, username, password);

test('no more than ten guesses a minute are looked at, however many come at once; others log in meanwhile', async () => {
  const credential = await createCredential(account);
  const guesses = Array.from({ length: 60 }, (_, i) => guess('127.0.0.2', credential.username, `guess ${i}`));
  expect(await right(credential, '127.0.0.3')).toMatch(/^235 /);
  const answers = await Promise.all(guesses);
  expect(answers.filter((answer) => answer.startsWith('535 ')).length).toBeGreaterThan(0);
  expect(answers.filter((answer) => answer.startsWith('535 ')).length).toBeLessThanOrEqual(10);
  for (const answer of answers) {
    expect(answer).toMatch(/^(?:535 5\.7\.8 login failed|421 4\.7\.0 too many failed logins from 127\.0\.0\.2)/);
  }
  expect(await right(credential, '127.0.0.2')).toMatch(/^421 4\.7\.0 too many failed logins/);
});

test('unknown user and wrong password are answered alike', async () => {
  const { username } = await createCredential(account);
  const [wrong, unknown] = [await guess('127.0.0.2', username, 'x'), await guess('127.0.0.3', 'relay_0_none', 'x')];
  expect(wrong).toMatch(/^535 5\.7\.8 /);
  expect(unknown).toBe(wrong);
});

test('a credential that is guessed at from everywhere still works where it worked before', async () => {
  const credential = await createCredential(account);
  expect(await right(credential, '127.0.0.3')).toMatch(/^235 /);
  await waitFor('the login to be written down', async () => {
    const { body } = await account.call('GET', `/api/smtp-credentials/${credential.id}`);
    return JSON.stringify(body).includes('"last_used_at":"');
  });
  for (let i = 0; i < 20; i += 1) await guess(`127.0.1.${1 + i}`, credential.username, 'guess');
  expect(await right(credential, '127.0.0.4')).toMatch(/^454 4\.7\.0 too many failed logins as this user/);
  expect(await right(credential, '127.0.0.3')).toMatch(/^235 /);
});

test('a revoked credential ends within open sessions', async () => {
  const credential = await createCredential(account);
  const reset = await createCredential(account);
  await using first = await open('127.0.0.2');
  expect((await first.login(credential.username, credential.password)).code).toBe(235);
  await using second = await open('127.0.0.2');
  expect((await second.login(reset.username, reset.password)).code).toBe(235);
  const message = 'From: me@example.com\r\n\r\nhello';
  expect((await first.send('me@example.com', ['you@example.org'], message)).code).toBe(250);

  expect((await account.call('DELETE', `/api/smtp-credentials/${credential.id}`)).status).toBeLessThan(300);
  expect((await account.call('POST', `/api/smtp-credentials/${reset.id}/reset-password`)).status).toBeLessThan(300);
  expect((await first.send('me@example.com', ['you@example.org'], message)).code).not.toBe(250);
  expect((await second.send('me@example.com', ['you@example.org'], message)).code).toBe(421);
  expect(await right(credential, '127.0.0.3')).toMatch(/^535 /);
  expect(await right(reset, '127.0.0.3')).toMatch(/^535 /);
});
