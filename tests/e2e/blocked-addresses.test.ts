import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Sluice, startSluice } from '../support/process.ts';
import { SmtpDialogue } from '../support/smtp-dialogue.ts';
import { waitFor } from '../support/wait-for.ts';

/* The blacklist from outside. Clients of other networks come through a PROXY header, as from a load balancer. */

let relay: Sluice;
/** Whose PROXY headers are believed. */
const balancer = '127.0.0.77';
const soon = Date.now() + 3_600_000;

beforeAll(async () => {
  relay = await startSluice({
    configure: (config) => ({
      ...config,
      smtp: {
        ...config.smtp,
        listeners: [
          { ...config.smtp?.listeners[0], name: 'relay', address: '::', port: config.smtp?.listeners[0]?.port ?? 0 },
        ].map((listener) => ({ ...listener, proxy_protocol: [balancer], auth_without_tls: true })),
        limits: { connections_per_address: 1_000 },
      },
      plugins: config.plugins.map((entry) => {
        if (entry.use === 'auth') return { ...entry, config: { delay: { first: '1ms', most: '1ms' } } };
        if (entry.use !== 'blacklist') return entry;
        const entries = [
          ['single', '192.0.2.7'],
          ['network', '198.51.100.0/25'],
          ['mapped', '::ffff:203.0.113.9'],
          ['six', '2001:db8:bad::/48'],
          ['loopback', '127.0.0.9'],
          ['ended', '192.0.2.8', '2020-01-01T00:00:00Z'],
          ['ending', '192.0.2.10', new Date(soon).toISOString()],
        ].map(([name = '', network = '', expires]) => ({
          name,
          network,
          reason: `listed as ${name}`,
          ...(expires === undefined ? {} : { expires }),
        }));
        return { ...entry, config: { entries, auto_ban: { failed_logins: 4, window: '1h' } } };
      }),
    }),
  });
});
afterAll(() => relay?.stop());

/** Connects as a client of this address; answers the connection and the greeting. */
const connect = async (address: string) => {
  const client = await SmtpDialogue.open(relay.ports.smtp, { localAddress: balancer, greeting: false });
  const family = address.includes(':') ? 'TCP6' : 'TCP4';
  const local = family === 'TCP6' ? '2001:db8::25' : '198.18.0.25';
  client.write(`PROXY ${family} ${address} ${local} 40000 2525\r\n`);
  const { code, text } = await client.reply();
  return { client, greeting: `${code} ${text}` };
};

const greetingOf = async (address: string): Promise<string> => {
  const { client, greeting } = await connect(address);
  client.destroy();
  return greeting;
};

describe('a listed client is greeted by a refusal with reason and advice', () => {
  test.each([
    ['192.0.2.7', 'single'],
    ['198.51.100.0', 'network'],
    ['198.51.100.127', 'network'],
    ['203.0.113.9', 'mapped'],
    ['::ffff:192.0.2.7', 'single'],
    ['::ffff:198.51.100.5', 'network'],
    ['2001:db8:bad::1', 'six'],
    ['2001:0db8:0bad:ffff:ffff:ffff:ffff:ffff', 'six'],
  ])('%s', async (address, entry) => {
    const { client, greeting } = await connect(address);
    expect(greeting).toMatch(new RegExp(`^554 5\\.7\\.1 .* is blocked: listed as ${entry}; .*ask the operator`));
    await client.closed();
  });

  test('whose entry has an end', async () => {
    const until = new Date(soon).toISOString().slice(0, 16).replace('T', ' ');
    expect(await greetingOf('192.0.2.10')).toContain(`is blocked until ${until} UTC: listed as ending`);
  });

  test('who comes over IPv4 to a socket that listens on IPv6', async () => {
    const client = await SmtpDialogue.open(relay.ports.smtp, { localAddress: '127.0.0.9', greeting: false });
    expect(await client.reply()).toMatchObject({ code: 554, text: expect.stringContaining('listed as loopback') });
  });
});

describe('nobody else is', () => {
  test.each(['192.0.2.6', '192.0.2.8', '198.51.100.128', '203.0.113.10', '2001:db8:bae::1', '::ffff:192.0.2.6'])(
    '%s',
    async (address) => {
      expect(await greetingOf(address)).toMatch(/^220 /);
    },
  );
});

describe('an offender is banned', () => {
  const failTwice = async (address: string): Promise<void> => {
    const { client } = await connect(address);
    await client.expect(250, 'EHLO client.test');
    for (let i = 0; i < 2; i += 1) expect((await client.login(`user${i}`, 'guess')).code).toBe(535);
    await client.expect(221, 'QUIT');
    await client.closed();
  };

  test.each([
    ['203.0.113.66', '203.0.113.66', '203.0.113.67'],
    ['2001:db8:1::66', '2001:db8:1::ffff', '2001:db8:1:1::66'],
  ])('after failed logins from %s, with it %s, but not %s', async (address, together, other) => {
    await failTwice(address);
    expect(await greetingOf(together)).toMatch(/^220 /);
    await failTwice(address);
    const greeting = await waitFor('the ban', async () => {
      const now = await greetingOf(together);
      return now.startsWith('554') && now;
    });
    expect(greeting).toMatch(/^554 5\.7\.1 .* is blocked until .* UTC: 4 failed logins within 60 minutes/);
    expect(await greetingOf(other)).toMatch(/^220 /);
  });

  test('but never on loopback', async () => {
    for (let i = 0; i < 10; i += 1) {
      await using client = await SmtpDialogue.open(relay.ports.smtp, { localAddress: '127.0.0.50' });
      await client.expect(250, 'EHLO client.test');
      await client.login(`user${i}`, 'guess');
    }
    const client = await SmtpDialogue.open(relay.ports.smtp, { localAddress: '127.0.0.50', greeting: false });
    expect((await client.reply()).code).toBe(220);
    client.destroy();
  });
});
