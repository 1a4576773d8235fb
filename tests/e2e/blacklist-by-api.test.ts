import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Account,
  createCredential,
  registerFirst,
  type SmtpCredential,
  textField,
} from '../support/api-client.ts';
import { type Sluice, startSluice } from '../support/process.ts';
import { SmtpDialogue } from '../support/smtp-dialogue.ts';

/* The blacklist as administrators keep it while mail flows. Clients come through a PROXY header, as from a load balancer. */

let relay: Sluice;
let admin: Account;
let credential: SmtpCredential;
const balancer = '127.0.0.77';

beforeAll(async () => {
  relay = await startSluice({
    configure: (config, ports) => ({
      ...config,
      smtp: {
        ...config.smtp,
        listeners: [
          {
            name: 'relay',
            address: '127.0.0.1',
            port: ports.smtp,
            proxy_protocol: [balancer],
            auth_without_tls: true,
          },
        ],
        limits: { connections_per_address: 1_000 },
      },
      plugins: config.plugins.map((entry) =>
        entry.use === 'blacklist' ? { ...entry, config: { protected: ['198.18.200.0/24'] } } : entry,
      ),
    }),
  });
  admin = await registerFirst(relay.api);
  credential = await createCredential(admin);
});
afterAll(() => relay?.stop());

/** Connects as a client of this address; answers the greeting too. */
const connect = async (address: string) => {
  const client = await SmtpDialogue.open(relay.ports.smtp, { localAddress: balancer, greeting: false });
  client.write(`PROXY TCP4 ${address} 198.18.0.25 40000 2525\r\n`);
  return { client, greeting: (await client.reply()).code };
};
const greetingOf = async (address: string): Promise<number> => {
  const { client, greeting } = await connect(address);
  client.destroy();
  return greeting;
};
const loggedIn = async (address: string) => {
  const { client } = await connect(address);
  await client.expect(250, 'EHLO client.test');
  expect((await client.login(credential.username, credential.password)).code).toBe(235);
  return client;
};
const add = async (network: string): Promise<string> => {
  const answer = await admin.call('POST', '/api/blacklist', { network, reason: 'by the test' });
  expect(answer.status).toBe(201);
  return textField(answer, 'id');
};
const send = (type: string, list: string) =>
  fetch(`${relay.api}/api/blacklist/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${admin.token}`, 'content-type': type },
    body: list,
  });

describe('a new entry ends an open session', () => {
  const envelope = ['MAIL FROM:<a@example.com>', 'RCPT TO:<b@example.com>', 'DATA'] as const;

  test.each([
    ['at MAIL', '198.18.1.1', 0],
    ['at RCPT', '198.18.1.2', 1],
    ['at DATA, or at the end of the message', '198.18.1.3', 2],
  ])('%s', async (_, address, said) => {
    const client = await loggedIn(address);
    for (const line of envelope.slice(0, said)) await client.expect(250, line);
    await add(`${address}/32`);
    let reply = await client.command(envelope[said] ?? '');
    if (reply.code === 354) reply = await client.command('Subject: x\r\n\r\nx\r\n.');
    expect(reply).toMatchObject({ code: 554, text: expect.stringContaining('is blocked: by the test') });
    await client.closed();
  });

  test('at AUTH', async () => {
    const { client } = await connect('198.18.1.4');
    await client.expect(250, 'EHLO client.test');
    await add('198.18.1.0/29');
    expect((await client.login(credential.username, credential.password)).code).toBe(554);
  });

  test('and nobody else’s', async () => {
    const client = await loggedIn('198.18.2.1');
    await add('198.18.2.2');
    for (const line of envelope.slice(0, 2)) await client.expect(250, line);
    await client.expect(354, 'DATA');
    await client.expect(250, 'Subject: x\r\n\r\nx\r\n.');
    client.destroy();
  });
});

describe('in force from the answer on is', () => {
  test('a change, and a deletion', async () => {
    const id = await add('198.18.3.1');
    expect([await greetingOf('198.18.3.1'), await greetingOf('198.18.3.2')]).toEqual([554, 220]);
    const moved = await fetch(`${relay.api}/api/blacklist/${id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${admin.token}`, 'content-type': 'application/json', 'if-match': '*' },
      body: JSON.stringify({ network: '198.18.3.2' }),
    });
    expect(moved.status).toBe(200);
    expect([await greetingOf('198.18.3.1'), await greetingOf('198.18.3.2')]).toEqual([220, 554]);
    expect((await admin.call('DELETE', `/api/blacklist/${id}`)).status).toBe(204);
    expect(await greetingOf('198.18.3.2')).toBe(220);
  });

  test('an import, of CSV and of a plain list', async () => {
    const client = await loggedIn('198.18.4.1');
    const many = Array.from({ length: 2_000 }, (_, n) => `198.19.${n >> 8}.${n & 255}`);
    expect((await send('text/plain', `${many.join('\n')}\n198.18.4.0/24 # all of them\n`)).status).toBe(200);
    expect((await client.command('MAIL FROM:<a@example.com>')).code).toBe(554);
    expect(await greetingOf('198.19.7.207')).toBe(554);
    expect((await send('text/csv', 'network,reason\n198.18.5.0/24,of the file\n')).status).toBe(200);
    expect(await greetingOf('198.18.5.5')).toBe(554);
  });
});

test('what the settings of the plugin protect is refused at once when they change, as is the machine itself', async () => {
  const refused = await admin.call('POST', '/api/blacklist', { network: '198.18.200.7' });
  expect(refused).toMatchObject({ status: 422, body: { code: 'REQUEST_INVALID' } });
  expect(textField(refused, 'detail')).toContain('198.18.200.0/24, which is protected: `protected` of the plugin');
  expect((await admin.call('POST', '/api/blacklist', { network: '127.0.0.1' })).status).toBe(422);
  const protect = { config: { protected: ['198.18.201.0/24'] } };
  expect((await admin.call('PATCH', '/api/plugins/blacklist', protect)).status).toBe(200);
  expect((await admin.call('POST', '/api/blacklist', { network: '198.18.201.0/30' })).status).toBe(422);
  expect((await admin.call('POST', '/api/blacklist', { network: '198.18.200.7' })).status).toBe(201);
});

test('entries outlive a restart', async () => {
  await add('198.18.6.1');
  await relay.terminate();
  await relay.start();
  expect([await greetingOf('198.18.6.1'), await greetingOf('198.18.6.2')]).toEqual([554, 220]);
});
