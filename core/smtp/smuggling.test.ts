import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FrontEndLab, goodLogin, openLab, type RunningFrontEnd } from '../../tests/support/front-end-lab.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** What a careless server takes for the end of DATA: the SEC Consult scanner, smtpsmug, Postfix PR 4, mox, and splits of our own. */
const falseEndings = [
  '\n.\n',
  '\n.\r',
  '\r.\n',
  '\r.\r',
  '\n.\r\n',
  '\r.\r\n',
  '\r\n.\n',
  '\r\n.\r',
  '\r\n\0.\r\n',
  '\r\n.\0\r\n',
  '\r\n.\r\r\n',
  '\r\r\n.\r\r\n',
  '\r\n.\r\0\n',
  '\n..\r\n',
  '\r\n..\r\n',
  '\r\n. \r\n',
  '\r\n.\u000b\r\n',
  '\n\0.\0\n',
] as const;
/** Endings that are real, whatever stands before them: the rest must be read as commands, for us and for everybody. */
const smuggled =
  'MAIL FROM:<smuggled@evil.test>\r\nRCPT TO:<victim@example.net>\r\nDATA\r\nSubject: smuggled\r\n\r\nsmuggled\r\n.\r\n';
const clear = [{ tls: 'none', auth_without_tls: true }] as const;

async function transaction(server: RunningFrontEnd, subject: string, parts: readonly string[]): Promise<string> {
  await using client = await SmtpDialogue.open(server.port);
  client.write(`EHLO x\r\n${goodLogin}\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n`);
  for (const code of [250, 235, 250, 250, 354]) expect((await client.reply()).code).toBe(code);
  client.write(`Subject: ${subject}\r\n\r\nfirst`);
  for (const part of parts) await client.flush(Buffer.from(part, 'latin1'));
  const verdict = await client.reply();
  await client.expect(221, 'QUIT');
  await client.closed();
  return `${verdict.code} ${verdict.text}`;
}

describe.each(['reject', 'normalize'] as const)('with bare line ends: %s', (bareNewlines) => {
  it('no false ending ends a message, wherever it is cut: one envelope in, at most one out, and the attack inside it', async () => {
    await using server = await lab.start({ listeners: clear, bareNewlines });
    for (const [n, ending] of falseEndings.entries()) {
      for (let cut = 0; cut <= ending.length; cut++) {
        const before = (await lab.accepted()).length;
        const subject = `${bareNewlines} ${n} ${cut}`;
        const parts = [ending.slice(0, cut), `${ending.slice(cut)}${smuggled}`];
        const verdict = await transaction(server, subject, parts);
        const after = await lab.accepted();
        const clean = !/(?<!\r)\n|\r(?!\n)|\0/.test(ending);
        if (bareNewlines === 'reject' && !clean) {
          expect(verdict).toMatch(/^550 5\.6\.11 /);
          expect(after.length).toBe(before);
          continue;
        }
        expect(verdict).toMatch(/^250 2\.0\.0 queued/);
        expect(after.length).toBe(before + 1);
        const [newest] = after;
        expect(newest?.record).toMatchObject({ sender: 'a@example.com', subject });
        expect(newest?.record.recipients.map(({ address }) => address)).toEqual(['b@example.net']);
        expect(newest?.body).toContain('MAIL FROM:<smuggled@evil.test>\r\n');
        // Nothing that the next hop could read otherwise.
        expect(newest?.body).not.toMatch(/(?<!\r)\n|\r(?!\n)|\0/);
      }
    }
  });
});

it('reads what stands behind a real end as commands, so that nothing is hidden in the message', async () => {
  await using server = await lab.start({ listeners: clear });
  await using client = await SmtpDialogue.open(server.port);
  client.write(
    `EHLO x\r\n${goodLogin}\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\nSubject: one\r\n\r\n.\r\n${smuggled}QUIT\r\n`,
  );
  for (const code of [250, 235, 250, 250, 354, 250, 250, 250, 354, 250, 221]) {
    expect((await client.reply()).code).toBe(code);
  }
});
