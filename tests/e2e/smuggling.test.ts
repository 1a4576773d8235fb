import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCredential, registerFirst, type SmtpCredential } from '../support/api-client.ts';
import { type CaptureSink, startCaptureSink } from '../support/capture-sink.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Postfix, startPostfix } from '../support/postfix.ts';
import { type Sluice, startSluice } from '../support/process.ts';
import { SmtpDialogue } from '../support/smtp-dialogue.ts';
import { waitFor } from '../support/wait-for.ts';
import { relayTo, withListeners } from './support/relay-to.ts';

/*
 * SMTP smuggling from end to end: what a careless server takes for the end of DATA, at every split across packets, sent
 * through the running relay to the two kinds of servers it has to protect: one that takes every dot between any line
 * ends for the end, and Postfix with its protection off, as it comes in the releases of Debian.
 */
const endings = [
  // SEC Consult's scanner
  ...['\n.\n', '\n.\r', '\r.\n', '\r.\r', '\n.\r\n', '\r.\r\n', '\r\n\0.\r\n'],
  // its outbound forms (Postfix pull request 4)
  ...['\r\n.\r\r\n', '\r\r\n.\r\r\n'],
  // smtpsmug
  ...['\r\n.\n', '\r\n.\r', '\r\n.\0\r\n'],
  // our own
  ...['\n..\r\n', '\r\n..\r\n', '\n\0.\0\n', '\r\n.\r\0\n', '\r\n. \r\n'],
];
/** As the very first octets of the data. */
const openings = ['.\r', '.\n', '.\r\r\n', '\0.\r\n'];
const attack =
  'MAIL FROM:<smuggled@evil.test>\r\nRCPT TO:<victim@example.net>\r\nDATA\r\nSubject: smuggled\r\n\r\nsmuggled\r\n.\r\n';

interface Attempt {
  subject: string;
  /** Each leaves in a packet of its own. */
  parts: string[];
}

const attempts: Attempt[] = [
  ...endings.flatMap((ending, n) =>
    Array.from({ length: ending.length + 1 }, (_, cut) => ({
      subject: `ending-${n}-${cut}`,
      parts: [`Subject: ending-${n}-${cut}\r\n\r\nfirst${ending.slice(0, cut)}`, `${ending.slice(cut)}${attack}`],
    })),
  ),
  ...openings.flatMap((opening, n) =>
    Array.from({ length: opening.length }, (_, cut) => ({
      subject: `opening-${n}-${cut}`,
      parts: [opening.slice(0, cut), `${opening.slice(cut)}Subject: opening-${n}-${cut}\r\n\r\n${attack}`],
    })),
  ),
];

const bare = /(?<!\r)\n|\r(?!\n)|\0/;

/** Sends every attempt over a few connections; answers the subjects that were promised delivery. */
const sendAll = async (port: number, credential: SmtpCredential): Promise<Set<string>> => {
  const left = [...attempts];
  const promised = new Set<string>();
  const connection = async () => {
    let client: SmtpDialogue | undefined;
    for (let attempt = left.shift(); attempt !== undefined; attempt = left.shift()) {
      if (client === undefined) {
        client = await SmtpDialogue.open(port);
        await client.expect(250, 'EHLO attacker.test');
        const login = await client.login(credential.username, credential.password);
        expect(login.code, login.text).toBe(235);
      }
      await client.expect(250, 'MAIL FROM:<attacker@example.com>');
      await client.expect(250, 'RCPT TO:<first@example.net>');
      await client.expect(354, 'DATA');
      for (const part of attempt.parts) if (part !== '') await client.flush(Buffer.from(part, 'latin1'));
      const answer = await client.reply();
      // One answer for all of it: had the attack been read as commands, four more would stand before this one.
      const next = await client.command('NOOP');
      expect(next.code, `${attempt.subject}: ${answer.code} ${answer.text}, then ${next.code} ${next.text}`).toBe(250);
      expect(next.text, attempt.subject).toMatch(/^2\.0\.0/);
      if (answer.code === 250) {
        promised.add(attempt.subject);
        continue;
      }
      expect(answer.code, attempt.subject).toBe(550);
      // Ten refusals end a session.
      await client.expect(221, 'QUIT');
      client.destroy();
      client = undefined;
    }
    client?.destroy();
  };
  await Promise.all(Array.from({ length: 8 }, connection));
  return promised;
};

const startRelay = (upstream: number, mode: 'reject' | 'normalize') =>
  startSluice({
    configure: (config) => {
      const open = withListeners(relayTo(upstream, config), { auth_without_tls: true });
      return { ...open, log: { level: 'warn' }, smtp: { listeners: [], ...open.smtp, bare_newlines: mode } };
    },
  });

const subjectOf = (raw: Buffer): string => /^Subject: (\S+)/m.exec(raw.toString('latin1'))?.[1] ?? '';

/** What every mode owes: each promised message once, and nothing of the attacker's making. */
const expectOneEach = (promised: ReadonlySet<string>, arrived: readonly string[]) => {
  expect(arrived.toSorted()).toEqual([...promised].toSorted());
};

describe.each(['reject', 'normalize'] as const)('bare_newlines: %s', (mode) => {
  /** In `reject` an ending of whole lines alone may pass, since it is no ending. */
  const mayPass = ({ parts }: Attempt) => mode === 'normalize' || !bare.test(parts.join(''));

  describe('in front of a server that takes any dot for the end', () => {
    let sink: CaptureSink;
    let relay: Sluice;
    beforeAll(async () => {
      sink = await startCaptureSink({ lenient: true });
      relay = await startRelay(sink.port, mode);
    });
    afterAll(async () => {
      await relay?.stop();
      await sink?.stop();
    });

    test('one envelope in, at most one out, and no bare CR, LF or NUL', async () => {
      const promised = await sendAll(relay.ports.smtp, await createCredential(await registerFirst(relay.api)));
      expect([...promised].toSorted()).toEqual(
        attempts
          .filter(mayPass)
          .map(({ subject }) => subject)
          .toSorted(),
      );
      const mails = await sink.received(promised.size);
      await relay.terminate();
      expectOneEach(
        promised,
        mails.map(({ raw }) => subjectOf(raw)),
      );
      for (const { sender, recipients, raw } of mails) {
        expect({ sender, recipients }).toEqual({ sender: 'attacker@example.com', recipients: ['first@example.net'] });
        expect(raw.toString('latin1')).not.toMatch(bare);
        expect(raw.toString('latin1')).toContain('MAIL FROM:<smuggled@evil.test>');
      }
    });
  });

  describeWith(['postfix'], 'in front of an unprotected Postfix', () => {
    let postfix: Postfix;
    let relay: Sluice;
    beforeAll(async () => {
      postfix = await startPostfix({
        settings: { smtpd_forbid_bare_newline: 'no', smtpd_forbid_unauth_pipelining: 'no' },
      });
      relay = await startRelay(postfix.port, mode);
    });
    afterAll(async () => {
      await relay?.stop();
      await postfix?.stop();
    });

    test('one envelope in, at most one delivered', async () => {
      const promised = await sendAll(relay.ports.smtp, await createCredential(await registerFirst(relay.api)));
      await postfix.received(promised.size);
      await relay.terminate();
      await waitFor('the queue of Postfix to be empty', async () => {
        const log = await postfix.log();
        const count = (pattern: RegExp) => [...log.matchAll(pattern)].length;
        return count(/qmgr\[\d+\]: \w+: from=/g) === count(/qmgr\[\d+\]: \w+: removed/g);
      });
      const mails = await postfix.mailbox();
      expectOneEach(
        promised,
        mails.map(({ raw }) => subjectOf(raw)),
      );
      expect(new Set(mails.map(({ sender, recipient }) => `${sender} ${recipient}`))).toEqual(
        new Set(['attacker@example.com first@example.net']),
      );
    });
  });
});
