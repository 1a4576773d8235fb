/*
 * The load of the kill tests, a process of its own: sends mail for ever and writes down each 250 before it goes on, so
 * that the journal knows at least what the relay promised. Settings come as JSON in the first argument; SIGTERM ends it
 * after the transactions that are open.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { bodyHash } from './captured-mail.ts';
import type { CutPhase, JournalEntry, JournalSettings } from './journal-entry.ts';
import { SmtpDialogue } from './smtp-dialogue.ts';

const settings: JournalSettings = JSON.parse(process.argv[2] ?? '{}');
const journal = openSync(settings.file, 'a');
const record = (entry: JournalEntry) => writeSync(journal, `${JSON.stringify(entry)}\n`);

/** What each connection is at, and since when, for whoever finds that one of them does not end. */
const at = new Map<number, { what: string; since: number }>();
const isAt = (number: number, what: string) => at.set(number, { what, since: Date.now() });

let ending = false;
process.once('SIGTERM', () => {
  ending = true;
  setTimeout(() => {
    for (const [number, { what, since }] of at) {
      process.stderr.write(`connection ${number}: ${what} for ${(Date.now() - since) / 1_000} s\n`);
    }
  }, 15_000).unref();
});

const pause = (milliseconds: number) => delay(milliseconds);

/** Lines of random base64, a dot at the start of some, so that nothing can be right by luck. */
const compose = (messageId: string, size: number): Buffer => {
  const text = randomBytes(Math.ceil(size / 2))
    .toString('base64')
    .slice(0, size);
  const lines = text.match(/.{1,76}/g) ?? [];
  const body = lines.map((line, index) => (index % 7 === 3 ? `.${line}` : line)).join('\r\n');
  return Buffer.from(`Message-ID: ${messageId}\r\nFrom: <${settings.sender}>\r\nSubject: journal\r\n\r\n${body}\r\n`);
};

const stuffed = (message: Buffer): Buffer =>
  Buffer.from(message.toString('latin1').replaceAll('\r\n.', '\r\n..'), 'latin1');

let lastReason = '';
/** Why nobody comes in, for whoever waits for mail in vain. */
const keptOut = ({ message }: Error): void => {
  if (message === lastReason) return;
  lastReason = message;
  process.stderr.write(`${new Date().toISOString()} kept out: ${message}\n`);
};

const logIn = async (smtp: SmtpDialogue, number: number): Promise<void> => {
  isAt(number, 'logging in');
  await smtp.expect(250, 'EHLO journal.test');
  if (settings.startTls) {
    await smtp.startTls();
    await smtp.expect(250, 'EHLO journal.test');
  }
  const login = await smtp.login(settings.username, settings.password);
  if (login.code !== 235) throw new Error(`login answered ${login.code} ${login.text}`);
};

const connect = async (number: number): Promise<SmtpDialogue> => {
  isAt(number, 'waiting for the greeting');
  const smtp = await SmtpDialogue.open(settings.port);
  try {
    await logIn(smtp, number);
    return smtp;
  } catch (error) {
    // Left open, it would count until the server loses its patience, and in the end nobody would get in.
    smtp.destroy();
    throw error;
  }
};

const writeBody = async (smtp: SmtpDialogue, message: Buffer, slow: boolean): Promise<void> => {
  if (!slow || settings.pause === 0) {
    smtp.write(message);
    return;
  }
  for (let at = 0; at < message.length; at += settings.piece) {
    await smtp.flush(message.subarray(at, at + settings.piece));
    await pause(settings.pause);
  }
};

const transaction = async (smtp: SmtpDialogue, number: number): Promise<void> => {
  const messageId = `<${randomUUID()}@journal.test>`;
  const size = settings.sizes[Math.floor(Math.random() * settings.sizes.length)] ?? 1_024;
  const message = compose(messageId, size);
  let phase: CutPhase = 'command';
  const refused = (code: number, reply: string) => record({ event: 'refused', at: Date.now(), messageId, code, reply });
  /** Whoever was refused within a transaction ends it: another MAIL is out of place until then (RFC 5321 §4.1.4). */
  const ends = async (code: number): Promise<void> => {
    if (code !== 421) await smtp.command('RSET').catch(() => undefined);
  };
  try {
    for (const line of [`MAIL FROM:<${settings.sender}>`, `RCPT TO:<${settings.recipient}>`]) {
      isAt(number, line);
      const reply = await smtp.command(line);
      if (reply.code !== 250) {
        refused(reply.code, reply.text);
        return await ends(reply.code);
      }
    }
    isAt(number, 'DATA');
    const data = await smtp.command('DATA');
    if (data.code !== 354) {
      refused(data.code, data.text);
      return await ends(data.code);
    }
    phase = 'data';
    isAt(number, 'sending');
    // Every second one drips.
    await writeBody(smtp, stuffed(message), number % 2 === 1);
    await smtp.flush('.\r\n');
    phase = 'dot';
    isAt(number, 'waiting for the answer to its dot');
    const reply = await smtp.reply();
    if (reply.code !== 250) return void refused(reply.code, reply.text);
    record({ event: 'accepted', at: Date.now(), messageId, bodyHash: bodyHash(message), size, reply: reply.text });
  } catch (error) {
    record({ event: 'cut', at: Date.now(), messageId, phase });
    throw error;
  }
};

/** One connection after the other, each message at its time; a message that comes late is not made up for. */
const worker = async (number: number): Promise<void> => {
  const interval = (settings.connections / settings.rate) * 1_000;
  let next = performance.now() + (number / settings.connections) * interval;
  while (!ending) {
    let smtp: SmtpDialogue | undefined;
    try {
      smtp = await connect(number).catch((error: Error) => {
        keptOut(error);
        throw error;
      });
      while (!ending) {
        isAt(number, 'resting');
        await pause(Math.max(0, next - performance.now()));
        next = Math.max(next + interval, performance.now());
        await transaction(smtp, number);
      }
      isAt(number, 'QUIT');
      await smtp.command('QUIT');
    } catch {
      // Whatever was open has been written down; the relay is being killed on purpose.
      await pause(settings.reconnect);
    } finally {
      at.delete(number);
      smtp?.destroy();
    }
  }
};

await Promise.all(Array.from({ length: settings.connections }, (_, number) => worker(number)));
