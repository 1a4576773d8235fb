import { expect, test } from 'vitest';
import { mail, recipient } from '../../../tests/contract/mail.ts';
import type { MessageRecord, RecipientRecord } from '../../domain/message.ts';
import { messageFromRecord } from '../../spool/message-from-record.ts';
import type { NewMessage } from '../../storage/ports/message-store.ts';
import { type ReportSettings, reports } from './reports.ts';
import { returnLimits } from './returned-content.ts';
import { decodeXtext } from './xtext.ts';

const settings: ReportSettings = { bounce: 'send', delay_report: 4 * 3_600_000, max_age: 5 * 86_400_000 };
const acceptedAt = Date.UTC(2026, 10, 22, 12);
const original = 'Subject: the original\r\nFrom: a@example.org\r\n\r\nthe body\r\n';

const bounced: Partial<RecipientRecord> = {
  state: 'bounced',
  nextAt: null,
  finalAt: acceptedAt,
  lastReply: '550 5.1.1 no such user',
};

async function made(
  recipients: readonly RecipientRecord[],
  facts: Partial<MessageRecord> = {},
  options: { now?: number; text?: string; settings?: Partial<ReportSettings>; host?: string } = {},
): Promise<{ messages: readonly NewMessage[]; texts: string[] }> {
  const bytes = Buffer.from(options.text ?? original);
  const message = mail({ bytes, facts: { acceptedAt, headerEdits: [], ...facts } });
  const record: MessageRecord = { ...message.facts, recipients: [...recipients], nextAt: null, requested: null };
  const attempt =
    options.host === undefined
      ? null
      : {
          messageId: record.id,
          at: acceptedAt,
          upstream: 'default',
          host: options.host,
          phase: 'rcpt' as const,
          tls: null,
          milliseconds: 1,
          ambiguous: false,
          results: [],
        };
  const messages = await reports(
    record,
    recipients.map((each) => ({ recipient: each, attempt })),
    () => messageFromRecord(record, bytes, async () => null),
    { ...settings, ...options.settings },
    { hostname: 'relay.example', now: options.now ?? acceptedAt },
  );
  return {
    messages,
    texts: messages.map(({ body }) => (body.kind === 'inline' ? Buffer.from(body.bytes).toString() : '')),
  };
}

test('a bounce is an RFC 3464 report from <> to the sender, about which nothing is ever reported', async () => {
  const { messages, texts } = await made([recipient('b@example.com', bounced)], {}, { host: '192.0.2.1:25' });
  const [report] = messages;
  expect(report?.facts).toMatchObject({
    origin: 'bounce',
    sender: '',
    ownerId: 'owner-1',
    credentialId: 'credential-1',
    subject: 'Your message could not be delivered',
  });
  expect(report?.recipients).toMatchObject([
    { address: 'from@example.org', domain: 'example.org', state: 'queued', parameters: { notify: ['NEVER'] } },
  ]);
  const text = texts[0] ?? '';
  const boundary = /boundary="([^"]+)"/.exec(text)?.[1] ?? '';
  const [, human, status, returned, end] = text.split(`--${boundary}`);
  expect(text).toMatch(/^Content-Type: multipart\/report; report-type=delivery-status;\r\n boundary=/m);
  expect(text).toMatch(/^Auto-Submitted: auto-replied\r$/m);
  expect(human).toContain('<b@example.com>\r\n    550 5.1.1 no such user');
  expect(status).toMatch(/Content-Type: message\/delivery-status\r\n/);
  expect(status).toContain(
    [
      'Reporting-MTA: dns; relay.example',
      'Arrival-Date: Sun, 22 Nov 2026 12:00:00 +0000',
      '',
      'Final-Recipient: rfc822; b@example.com',
      'Action: failed',
      'Status: 5.1.1',
      'Remote-MTA: dns; 192.0.2.1',
      'Diagnostic-Code: smtp; 550 5.1.1 no such user',
      'Last-Attempt-Date: Sun, 22 Nov 2026 12:00:00 +0000',
      '',
    ].join('\r\n'),
  );
  expect(returned).toBe(
    '\r\nContent-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: 7bit\r\n\r\nSubject: the original\r\nFrom: a@example.org\r\n\r\n',
  );
  expect(end).toBe('--\r\n');
  expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
});

test('RET=FULL gives the message back while it is small', async () => {
  const full = { parameters: { ret: 'FULL' } } as const;
  const small = await made([recipient('b@example.com', bounced)], full);
  expect(small.texts[0]).toContain('Content-Type: message/rfc822\r\n');
  expect(small.texts[0]).toContain('\r\n\r\nSubject: the original\r\nFrom: a@example.org\r\n\r\nthe body\r\n');
  const large = await made([recipient('b@example.com', bounced)], full, {
    text: `${original}${'x\r\n'.repeat(returnLimits.message)}`,
  });
  expect(large.texts[0]).toContain('Content-Type: text/rfc822-headers\r\n');
  expect(large.texts[0]).not.toContain('the body');
});

test('a long header block is cut at a line, so that a report always fits', async () => {
  const { texts } = await made(
    [recipient('b@example.com', bounced)],
    {},
    {
      text: `${'X-Long: yyyyyyyyyyyyyyyyyyyyyy\r\n'.repeat(8_000)}\r\nbody\r\n`,
    },
  );
  expect(texts[0]?.length).toBeLessThan(returnLimits.headers + 4_096);
  expect(texts[0]).toMatch(/yyyy\r\n\r\n--=_\w+--\r\n$/);
});

test('mail that grew too old fails with 4.4.7', async () => {
  const { texts } = await made([
    recipient('b@example.com', { ...bounced, state: 'expired', lastReply: '450 4.2.0 later' }),
  ]);
  expect(texts[0]).toContain('Action: failed\r\nStatus: 4.4.7\r\n');
  expect(texts[0]).toContain('Diagnostic-Code: smtp; 450 4.2.0 later');
});

test.each([
  ['nothing is reported to <>', { sender: '' }, {}],
  ['nor about a report', { origin: 'bounce' as const }, {}],
  ['nor where reports are turned off', {}, { bounce: 'none' as const }],
])('%s', async (_, facts, change) => {
  expect((await made([recipient('b@example.com', bounced)], facts, { settings: change })).messages).toEqual([]);
});

test.each([
  [undefined, 'bounced', true],
  [['NEVER'], 'bounced', false],
  [['FAILURE'], 'bounced', true],
  [['SUCCESS'], 'bounced', false],
  [['SUCCESS', 'DELAY'], 'expired', false],
  [['SUCCESS'], 'relayed', true],
  [undefined, 'relayed', false],
  [['SUCCESS'], 'delivered', false],
  [['NEVER'], 'relayed', false],
] as const)('NOTIFY=%j: %s is told: %s', async (notify, state, told) => {
  const parameters = notify === undefined ? {} : { notify };
  const { messages } = await made([recipient('b@example.com', { ...bounced, state, parameters })]);
  expect(messages).toHaveLength(told ? 1 : 0);
});

test('a delay is told once, when it has lasted, to who asked for it', async () => {
  const asked = recipient('b@example.com', {
    ...bounced,
    state: 'deferred',
    lastReply: '450 4.2.0 later',
    parameters: { notify: ['DELAY', 'FAILURE'] },
  });
  expect((await made([asked], {}, { now: acceptedAt + 3_600_000 })).messages).toEqual([]);
  const late = await made([asked], {}, { now: acceptedAt + 5 * 3_600_000 });
  expect(late.texts[0]).toContain('Action: delayed\r\nStatus: 4.2.0\r\n');
  expect(late.texts[0]).toContain('Will-Retry-Until: Fri, 27 Nov 2026 12:00:00 +0000');
  expect(asked.delayReported).toBe(true);
  expect((await made([asked], {}, { now: acceptedAt + 9 * 3_600_000 })).messages).toEqual([]);
  const unasked = recipient('b@example.com', { ...bounced, state: 'deferred' });
  expect((await made([unasked], {}, { now: acceptedAt + 9 * 3_600_000 })).messages).toEqual([]);
});

test('several recipients share one report, a hundred at most', async () => {
  const many = Array.from({ length: 250 }, (_, n) => recipient(`r${n}@example.com`, bounced));
  const { texts } = await made(many);
  expect(texts.map((text) => text.match(/^Final-Recipient/gm)?.length)).toEqual([100, 100, 50]);
});

test('ENVID and ORCPT come back decoded, and can smuggle in no line', async () => {
  const parameters = { orcpt: 'rfc822;a+2Bb+0D+0AX-Evil:+20yes@example.com' };
  const { texts } = await made([recipient('b@example.com', { ...bounced, parameters })], {
    parameters: { envid: 'id+3D7+0AEvil:+201' },
  });
  expect(texts[0]).toContain('Original-Envelope-Id: id=7+0AEvil: 1\r\n');
  expect(texts[0]).toContain('Original-Recipient: rfc822; a+b+0D+0AX-Evil: yes@example.com\r\n');
  expect(decodeXtext('a+2Bb+zz+')).toBe('a+b+zz+');
});

test("an upstream's words stay on their line and are ASCII where the report is", async () => {
  const { texts } = await made([
    recipient('b@example.com', { ...bounced, lastReply: '550 5.1.1 gibt’s\r\nX: y\u0000nicht' }),
  ]);
  expect(texts[0]).toContain('Diagnostic-Code: smtp; 550 5.1.1 gibt?s X: y nicht\r\n');
});

test('addresses beyond ASCII make an international report (RFC 6533)', async () => {
  const { messages, texts } = await made([recipient('grüße@example.com', bounced)], {
    sender: 'ähm@example.org',
    parameters: { smtputf8: true, ret: 'FULL' },
  });
  expect(messages[0]?.facts.parameters).toMatchObject({ smtputf8: true, body: '8BITMIME' });
  expect(messages[0]?.recipients[0]?.address).toBe('ähm@example.org');
  const text = texts[0] ?? '';
  expect(text).toContain('Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit');
  expect(text).toContain('Final-Recipient: utf-8; grüße@example.com\r\n');
  expect(text).toContain('Content-Type: message/global\r\n');
  expect(text).toContain('charset=utf-8');
});

test('8-bit content is declared', async () => {
  const { messages, texts } = await made(
    [recipient('b@example.com', bounced)],
    { parameters: { ret: 'FULL' } },
    {
      text: 'Subject: x\r\n\r\nGrüße\r\n',
    },
  );
  expect(messages[0]?.facts.parameters).toMatchObject({ body: '8BITMIME' });
  expect(messages[0]?.facts.parameters.smtputf8).toBeUndefined();
  expect(texts[0]).toContain('Content-Transfer-Encoding: 8bit\r\n\r\nThis is a delivery report');
});

test('a damaged message is reported without its content', async () => {
  const message = mail({ facts: { acceptedAt, sha256: '00' }, bytes: Buffer.from(original) });
  const record: MessageRecord = { ...message.facts, recipients: [], nextAt: null, requested: null };
  const bytes = Buffer.from(original);
  const [report] = await reports(
    record,
    [{ recipient: recipient('b@example.com', bounced), attempt: null }],
    () => messageFromRecord(record, bytes, async () => null),
    settings,
    { hostname: 'relay.example', now: acceptedAt },
  );
  expect(report?.body.kind === 'inline' && Buffer.from(report.body.bytes).toString()).not.toContain('the original');
});
