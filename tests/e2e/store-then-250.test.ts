import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createCredential, registerFirst, type SmtpCredential } from '../support/api-client.ts';
import { describeWith } from '../support/describe-with.ts';
import { startSluice } from '../support/process.ts';
import { SmtpDialogue } from '../support/smtp-dialogue.ts';
import { readStrace, type SystemCall, straceArguments } from '../support/strace-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/*
 * SIGKILL cannot show that a 250 waits for the disk: what was written survives it, synced or not. The system calls can.
 */

const connections = 10;
const messagesEach = 6;
/** More than a piece of 256 KB: such a body is written in transactions of its own, before the record. */
const large = 300_000;

interface Sent {
  /** Of the queue, as the 250 says it. */
  readonly id: string;
  /** Stands at the end of the body, and nowhere else. */
  readonly mark: string;
}

const send = async (client: SmtpDialogue, size: number): Promise<Sent> => {
  const mark = randomBytes(12).toString('hex');
  // Several times, since the end of a page may go right through one of them.
  const end = `${mark}\r\n${mark}\r\n${mark}`;
  const filling = `${'x'.repeat(70)}\r\n`.repeat(Math.ceil(size / 72));
  const reply = await client.send(
    'me@example.com',
    ['you@example.org'],
    `From: me@example.com\r\n\r\n${filling}${end}`,
  );
  const id = /^2\.0\.0 queued as ([0-9a-f-]{36})$/.exec(reply.text)?.[1];
  if (reply.code !== 250 || id === undefined) throw new Error(`${reply.code} ${reply.text}`);
  return { id, mark };
};

const client = async (port: number, credential: SmtpCredential, number: number): Promise<Sent[]> => {
  await using dialogue = await SmtpDialogue.open(port);
  await dialogue.expect(250, 'EHLO client.test');
  const login = await dialogue.login(credential.username, credential.password);
  if (login.code !== 235) throw new Error(`${login.code} ${login.text}`);
  const sent: Sent[] = [];
  for (let message = 0; message < messagesEach; message += 1) {
    sent.push(await send(dialogue, number === 0 && message % 3 === 0 ? large : 1_000));
  }
  return sent;
};

/** The first call that holds these octets. */
const holding = (calls: readonly SystemCall[], octets: Buffer): SystemCall => {
  const found = calls.find((call) => call.octets.includes(octets));
  if (found === undefined) throw new Error(`no call holds ${octets.toString('latin1')}`);
  return found;
};

describeWith(['strace'], 'system calls', () => {
  test('envelope and body of each message are written and synced before its 250 is', async () => {
    await using folder = await temporaryFolder('strace');
    const log = join(folder.path, 'strace.log');
    await using relay = await startSluice({
      // In clear, so that the replies can be read.
      configure: (config, ports) => ({
        ...config,
        smtp: { listeners: [{ name: 'relay', port: ports.smtp, tls: 'none', auth_without_tls: true }] },
      }),
      wrapper: straceArguments(log, ['write', 'writev', 'pwrite64', 'pwritev', 'fsync', 'fdatasync']),
      startTimeout: 60_000,
    });
    const credential = await createCredential(await registerFirst(relay.api));
    const sent = (
      await Promise.all(
        Array.from({ length: connections }, (_, number) => client(relay.ports.smtp, credential, number)),
      )
    ).flat();
    expect(await relay.terminate()).toMatchObject({ code: 0 });

    const calls = readStrace(await readFile(log, 'latin1'));
    const ofLog = calls.filter(({ target, succeeded }) => succeeded && target.endsWith('/sluice.db-wal'));
    const writes = ofLog.filter(({ name }) => name.startsWith('pwrite'));
    const syncs = ofLog.filter(({ name }) => name === 'fsync' || name === 'fdatasync');
    const replies = calls.filter(({ octets, target }) => target.startsWith('socket:') && octets.includes('queued as'));

    expect(sent).toHaveLength(connections * messagesEach);
    const late = sent.filter(({ id, mark }) => {
      const record = holding(writes, Buffer.from(id.replaceAll('-', ''), 'hex'));
      const body = holding(writes, Buffer.from(mark));
      const reply = holding(replies, Buffer.from(`250 2.0.0 queued as ${id}`));
      const written = Math.max(record.returned, body.returned);
      return !syncs.some(({ entered, returned }) => entered > written && returned < reply.entered);
    });
    expect(late).toEqual([]);
  });
});
