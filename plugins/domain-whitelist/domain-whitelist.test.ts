import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Client, type PluginRow, startPluginRow } from '../../tests/support/plugin-row.ts';
import { type SingleProcess, startSingleProcess } from '../../tests/support/single-process.ts';
import { plugin } from './index.ts';

let relay: SingleProcess;
let row: PluginRow | undefined;

beforeAll(async () => {
  relay = await startSingleProcess();
});
afterAll(() => relay.close());
afterEach(async () => {
  await row?.close();
  row = undefined;
});

/** A client whose credential and owner are bound to these domains. */
const as = async (
  domains: { credential?: string[]; user?: string[] },
  config: Record<string, unknown> = {},
): Promise<Client> => {
  row = await startPluginRow([{ plugin, config }], relay.services);
  const { credential } = await relay.issue({ domains: domains.credential ?? [] }, { domains: domains.user ?? [] });
  const client = row.client('192.0.2.1');
  client.session.identity = { ownerId: credential.ownerId, credentialId: credential.id, username: 'x' };
  return client;
};

const bound = (config: Record<string, unknown> = {}) => as({ credential: ['example.com', 'bücher.example'] }, config);

describe('the envelope sender', () => {
  it.each(['me@example.com', 'me@EXAMPLE.COM', '"m e"@example.com', 'me@bücher.example', 'me@XN--BCHER-kva.example'])(
    '%s is taken',
    async (sender) => {
      expect(await (await bound()).mail(sender)).toBeNull();
    },
  );

  it.each([
    'me@evil.test',
    'me@evil-example.com',
    'me@example.com.evil.test',
    'me@sub.example.com',
    'me@exampleXcom.test',
    '"me@example.com"@evil.test',
    'me@[192.0.2.1]',
    'me@buecher.example',
  ])('%s is refused', async (sender) => {
    const client = await bound();
    expect(await client.mail(sender)).toBe(
      `550 5.7.1 ${sender} is not an allowed sender; this login may send only from example.com, xn--bcher-kva.example`,
    );
    expect(client.verdict).toBe('reject');
  });

  it('may be null only where the configuration says so', async () => {
    expect(await (await bound()).mail(null)).toMatch(/^550 5\.7\.1 the null sender <> is not allowed/);
    await row?.close();
    const client = await bound({ null_sender: true });
    expect(await client.mail(null)).toBeNull();
    expect(await client.message('From: ceo@evil.test')).toMatch(/^550 5\.7\.1 the From header names evil\.test/);
  });

  it('may lie below a listed domain only where the configuration says so', async () => {
    const client = await bound({ subdomains: true });
    expect(await client.mail('me@mail.example.com')).toBeNull();
    expect(await client.mail('me@evil-example.com')).toMatch(/^550 /);
  });
});

describe('who is bound', () => {
  it('is nobody without a list', async () => {
    const client = await as({});
    expect(await client.mail('anyone@anywhere.test')).toBeNull();
    expect(await client.message('From: someone@else.test')).toBeNull();
    expect(await client.mail(null)).toBeNull();
  });

  it('is no trusted network and nobody without a login', async () => {
    await bound();
    const network = row?.client('192.0.2.1', 'office');
    expect(await network?.mail('anyone@anywhere.test')).toBeNull();
    expect(await row?.client('192.0.2.1').mail('anyone@anywhere.test')).toBeNull();
  });

  it('is every credential of a user that has a list', async () => {
    const client = await as({ user: ['example.com'] });
    expect(await client.mail('me@example.com')).toBeNull();
    expect(await client.mail('me@example.org')).toMatch(/^550 5\.7\.1 .* only from example\.com$/);
  });

  it('has to obey both lists', async () => {
    const client = await as({ user: ['example.com', 'example.net'], credential: ['example.com', 'example.org'] });
    expect(await client.mail('me@example.com')).toBeNull();
    expect(await client.mail('me@example.org')).toMatch(/^550 /);
    expect(await client.mail('me@example.net')).toMatch(/^550 /);
  });

  it('is a login that the directory does not know: nothing is taken', async () => {
    const client = await bound();
    client.session.identity = { ownerId: 'nobody', credentialId: 'nothing', username: 'x' };
    expect(await client.mail('me@example.com')).toBe('451 4.7.1 your login is no longer known; log in again');
  });

  it('reads only the first of many domains in the refusal', async () => {
    const client = await as({ credential: ['a.test', 'b.test', 'c.test', 'd.test', 'e.test'] });
    expect(await client.mail('me@evil.test')).toMatch(/only from a\.test, b\.test, c\.test and 2 more$/);
  });
});

describe('a message', () => {
  const sent = async (...header: string[]): Promise<string | null> => {
    const client = await bound();
    await client.mail('me@example.com');
    return client.message(...header);
  };

  it.each([
    ['one author', ['From: Me <me@example.com>']],
    ['several authors and a sender', ['From: a@example.com,', ' B <b@bücher.example>', 'Sender: a@example.com']],
    ['a group', ['From: Us: a@example.com, b@example.com;']],
    ['other headers', ['To: x@evil.test', 'Reply-To: y@evil.test', 'From: me@example.com', 'X-From: ceo@evil.test']],
    ['a comment', ['From: me@example.com (ceo@evil.test)']],
    ['an encoded name', ['From: =?utf-8?q?J=C3=BCrgen?= <me@example.com>']],
  ])('with %s of the right domain is taken', async (_, header) => {
    expect(await sent(...header)).toBeNull();
  });

  it.each([
    ['another domain', ['From: ceo@evil.test']],
    ['another one among the right ones', ['From: me@example.com, ceo@evil.test']],
    ['another one in a folded field', ['From: me@example.com,', '\tCEO', ' <ceo@evil.test>']],
    ['another one in a group', ['From: Us: me@example.com, ceo@evil.test;']],
    ['a second From', ['From: me@example.com', 'From: ceo@evil.test']],
    ['a From in capitals', ['FROM: ceo@evil.test']],
    ['a From with a blank before its colon', ['From : ceo@evil.test']],
    ['a foreign Sender', ['From: me@example.com', 'Sender: ceo@evil.test']],
    ['a second Sender', ['From: me@example.com', 'Sender: me@example.com', 'SENDER: ceo@evil.test']],
    ['a look-alike', ['From: me@evil-example.com']],
    ['a suffix', ['From: me@example.com.evil.test']],
    ['a domain below', ['From: me@sub.example.com']],
  ])('with %s is refused by its name', async (_, header) => {
    expect(await sent(...header)).toMatch(
      /^550 5\.7\.1 the (?:From|Sender) header names [a-z.-]+; this login may send/,
    );
  });

  it.each([
    ['a quoted @', ['From: "ceo@evil.test"@example.com']],
    ['an address as an unquoted name', ['From: ceo@evil.test <me@example.com>']],
    ['an encoded address', ['From: =?utf-8?q?ceo=40evil=2Etest?=']],
    ['an encoded list', ['From: =?utf-8?q?ceo=40evil.test=2C?= <me@example.com>']],
    ['a source route', ['From: <@evil.test:me@example.com>']],
    ['no address', ['From: Me']],
    ['an empty one', ['From: me@example.com', 'From:']],
  ])('with %s in From is refused as unreadable', async (_, header) => {
    expect(await sent(...header)).toMatch(/^550 5\.7\.1 the From header cannot be read without doubt/);
  });

  it('without From is refused, also where it hides behind a broken line', async () => {
    expect(await sent('Subject: hello')).toMatch(/^550 5\.7\.1 the message has no From header that can be read/);
    expect(await sent('no header at all', 'From: ceo@evil.test')).toMatch(/^550 5\.7\.1 the message has no From/);
  });
});
