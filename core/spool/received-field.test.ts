import { describe, expect, it } from 'vitest';
import type { Session } from '../pipeline/session.ts';
import { message, session, transaction } from '../pipeline/testing.ts';
import { protocolKeyword, receivedField } from './received-field.ts';

const at = Date.UTC(2026, 10, 22, 18, 0, 1);
const tls = { protocol: 'TLSv1.3', cipher: 'x' };
const identity = { ownerId: 'u', credentialId: 'c', username: 'relay_secret_name' };
const hello = (name: string): Partial<Session> => ({ hello: { verb: 'EHLO', name } });

describe('receivedField', () => {
  it('names client, relay, protocol, queue id and a single recipient', () => {
    const t = transaction({ recipients: ['a@example.com'] });
    expect(receivedField(session({ tls, identity }), t, 'relay.example', at)).toBe(
      `from client.example ([192.0.2.1])\r\n\tby relay.example (Sluice) with ESMTPSA id ${t.id}\r\n\tfor <a@example.com>;\r\n\tSun, 22 Nov 2026 18:00:01 +0000`,
    );
  });

  it('names nobody where there are several, nor who logged in', () => {
    const t = transaction({ recipients: ['a@example.com', 'b@example.com'] });
    const field = receivedField(session({ tls, identity }), t, 'relay.example', at);
    expect(field).not.toMatch(/for </);
    expect(field).not.toContain('relay_secret_name');
  });

  it.each([
    ['[192.0.2.7]', '[192.0.2.7]'],
    ['[IPv6:2001:db8::1]', '[IPv6:2001:db8::1]'],
    ['MyLaptop', 'MyLaptop'],
    ['x\r\nBcc: y', 'unknown'],
    ['a(b', 'unknown'],
    ['', 'unknown'],
  ])('takes %j from HELO as %s', (name, shown) => {
    const t = transaction();
    const remote = { address: '2001:db8::9', port: 1 };
    const field = receivedField(session({ ...hello(name), remote }), t, 'relay.example', at);
    expect(field.startsWith(`from ${shown} ([IPv6:2001:db8::9])\r\n`)).toBe(true);
  });

  it('is a header value', () => {
    const m = message('Subject: x\n\nbody\n');
    const t = transaction({ recipients: ['"a b"@example.com'] });
    m.headers.prepend('Received', receivedField(session(), t, 'relay.example', at));
    expect(m.headers.get('received')).toMatch(/^from client\.example .*\sfor <"a b"@example\.com>;/);
  });
});

it('follows RFC 3848 and RFC 6531 in the protocol', () => {
  const keywords = [
    protocolKeyword(session({ hello: { verb: 'HELO', name: 'x' } }), false),
    protocolKeyword(session(), false),
    protocolKeyword(session({ tls }), false),
    protocolKeyword(session({ identity }), false),
    protocolKeyword(session({ tls, identity }), false),
    protocolKeyword(session({ tls, identity }), true),
  ];
  expect(keywords).toEqual(['SMTP', 'ESMTP', 'ESMTPS', 'ESMTPA', 'ESMTPSA', 'UTF8SMTPSA']);
});
