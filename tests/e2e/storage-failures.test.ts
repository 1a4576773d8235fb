import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { smallDisk } from '../../core/storage/sqlite/testing/small-disk.ts';
import { type Account, createCredential, registerFirst, type SmtpCredential } from '../support/api-client.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Sluice, startSluice } from '../support/process.ts';
import { type ServerReply, SmtpDialogue } from '../support/smtp-dialogue.ts';
import { waitFor } from '../support/wait-for.ts';

/* A disk that is full or cannot be written, from outside: no false 250, an answer in time, and recovery without help. */

const message = 'From: me@example.com\r\nSubject: x\r\n\r\nhello';
const sender = 'me@example.com';
const recipient = 'you@example.org';

const login = async (relay: Sluice, { username, password }: SmtpCredential): Promise<SmtpDialogue> => {
  const client = await SmtpDialogue.open(relay.ports.smtp);
  await client.expect(250, 'EHLO client.test');
  await client.startTls();
  await client.expect(250, 'EHLO client.test');
  const answer = await client.login(username, password);
  if (answer.code !== 235) throw new Error(`login: ${answer.code} ${answer.text}`);
  return client;
};

const queueId = ({ code, text }: ServerReply): string => {
  const id = /queued as (\S+)/.exec(text)?.[1];
  if (code !== 250 || id === undefined) throw new Error(`${code} ${text}`);
  return id;
};

/** Sends until the answer is 250; what is answered meanwhile has to be temporary. */
const recovered = async (relay: Sluice, credential: SmtpCredential): Promise<string> => {
  let last: ServerReply = { code: 0, text: 'nothing' };
  await waitFor(
    'mail to be taken again',
    async () => {
      await using client = await login(relay, credential);
      last = await client.send(sender, [recipient], message);
      if (last.code >= 500) throw new Error(`${last.code} ${last.text}`);
      return last.code === 250;
    },
    { timeout: 60_000, interval: 200, detail: () => `${last.code} ${last.text}` },
  );
  return queueId(last);
};

const accountedFor = async (account: Account, ids: readonly string[], refused: readonly string[]): Promise<void> => {
  await waitFor('all mail to be in the capture box', async () => {
    const states = await Promise.all(ids.map(async (id) => (await account.call('GET', `/api/mail-logs/${id}`)).body));
    return states.every((state) => JSON.stringify(state).includes('"status":"captured"'));
  });
  const list = JSON.stringify((await account.call('GET', '/api/mail-logs?limit=100')).body);
  for (const subject of refused) expect(list).not.toContain(subject);
};

describeWith(['tmpfs'], 'a full disk', () => {
  test('gets 452 at MAIL and no 250 after DATA, and mail is taken again when there is room', async () => {
    await using disk = await smallDisk(64);
    await using relay = await startSluice({
      folder: disk.path,
      configure: (config) => ({ ...config, retention: { free_space: '2MB' } }),
    });
    const account = await registerFirst(relay.api);
    const credential = await createCredential(account);
    await using early = await login(relay, credential);
    const before = queueId(await early.send(sender, [recipient], message));
    await early.expect(250, `MAIL FROM:<${sender}>`);
    await early.expect(250, `RCPT TO:<${recipient}>`);
    await early.expect(354, 'DATA');

    await disk.occupy(64 * 1024 * 1024).catch(() => undefined);
    const started = performance.now();
    // More than the reserve holds, so that it cannot be stored even there.
    early.write(`From: ${sender}\r\nSubject: too-late\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(170_000)}.\r\n`);
    const late = await early.reply();
    expect([451, 452], late.text).toContain(late.code);
    expect(performance.now() - started).toBeLessThan(10_000);
    await using next = await login(relay, credential);
    await waitFor('MAIL to be refused', async () => {
      const answer = await next.command(`MAIL FROM:<${sender}>`);
      if (answer.code === 250) return (await next.command('RSET')).code === 0;
      expect(answer).toEqual({ code: 452, text: '4.3.1 No room for mail at the moment; please try again later' });
      return true;
    });
    expect((await account.call('GET', '/health')).status).toBe(200);

    await disk.free();
    const ids = [before, await recovered(relay, credential)];
    await accountedFor(account, ids, ['too-late']);
    await relay.kill();
    await relay.start();
    await accountedFor(account, ids, ['too-late']);
  });
});

/** `chattr +i` takes the right to write from files that are open already; not every file system knows it. */
const changeable = spawnSync('chattr', ['-V', '+i', '/nonexistent']).error === undefined && process.getuid?.() === 0;

test.skipIf(!changeable)(
  'a database that becomes read-only is 451 in time, and recovers [needs root, chattr and ext4]',
  async (context) => {
    await using relay = await startSluice();
    const account = await registerFirst(relay.api);
    const credential = await createCredential(account);
    await using client = await login(relay, credential);
    const before = queueId(await client.send(sender, [recipient], message));
    const files = readdirSync(relay.dataFolder)
      .filter((name) => /^sluice\.db(?:-wal)?$/.test(name))
      .map((name) => join(relay.dataFolder, name));
    if (spawnSync('chattr', ['+i', ...files]).status !== 0) context.skip('this file system has no immutable files');
    try {
      const started = performance.now();
      const answer = await client.send(sender, [recipient], message.replace('Subject: x', 'Subject: never'));
      expect(answer).toMatchObject({ code: 451, text: expect.stringMatching(/^4\.3\.0 /) });
      expect(performance.now() - started).toBeLessThan(10_000);
    } finally {
      execFileSync('chattr', ['-i', ...files]);
    }
    await accountedFor(account, [before, await recovered(relay, credential)], ['never']);
  },
);
