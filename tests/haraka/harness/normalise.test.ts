import { describe, expect, it } from 'vitest';
import { normaliseFacts, normaliseMessage, normaliseText } from './normalise.ts';

describe('normaliseText', () => {
  it('takes away ids and dates', () => {
    expect(normaliseText('queued (0C97D2A4-3D0B-4E4F-9C43-0D3F3E2B6B1F.1) Mon, 30 Nov 2026 15:32:25 +0000')).toBe(
      'queued (<uuid>) <date>',
    );
  });

  it('leaves everything else', () => {
    expect(normaliseText('sender <a@b.example> SPF Fail')).toBe('sender <a@b.example> SPF Fail');
  });
});

describe('normaliseMessage', () => {
  const read = (text: string) => normaliseMessage(Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1'));

  it("puts a mark for the server's own Received and Message-ID, and keeps those of others", () => {
    const text = read(
      'Received: from a\n\tby mx.sluice.test (Haraka)\n\tid 1\nReceived: from b by relay.example; x\n' +
        'Message-ID: <1@mx.sluice.test>\n\nReceived: from a by mx.sluice.test\n',
    );
    expect(text.split('\r\n')).toEqual([
      'Received: (by the server)',
      'Received: from b by relay.example; x',
      'Message-ID: (by the server)',
      '',
      'Received: from a by mx.sluice.test',
      '',
    ]);
  });

  it('keeps of a signature all but its time and value', () => {
    const text = read('DKIM-Signature: v=1; a=rsa-sha256; t=1764516745; bh=abc=; h=from;\n b=xyz\n =\nTo: a\n\n');
    expect(text).toBe(
      'DKIM-Signature: v=1; a=rsa-sha256; t=<time>; bh=abc=; h=from;\r\n b=<signature>\r\nTo: a\r\n\r\n',
    );
  });

  it('shows a changed body', () => {
    expect(read('To: a\n\nHello\n')).not.toBe(read('To: a\n\nHello \n'));
  });
});

describe('normaliseFacts', () => {
  it("leaves out times and the server's own results, no plugin's", () => {
    const facts = {
      results: { reset: { duration: 1 }, spf: { pass: ['a'], duration: 2 } },
      notes: { queue: { wants: 'x' } },
    };
    expect(normaliseFacts(facts)).toEqual({ results: { spf: { pass: ['a'] } }, notes: { queue: { wants: 'x' } } });
  });

  it('leaves out how long something took, also in words', () => {
    expect(normaliseFacts({ results: { spamassassin: { time: 0.1, human: 'time: 0.1, flag: true' } } })).toEqual({
      results: { spamassassin: { human: 'time: <time>, flag: true' } },
    });
  });
});
