import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FrontEndLab, openLab } from '../../tests/support/front-end-lab.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const header = 'PROXY TCP4 192.0.2.7 198.51.100.2 40000 587\r\n';

it('a listed peer speaks for its client: trust, counts and blocking go by the address it names', async () => {
  const seen: string[] = [];
  await using server = await lab.start({
    listeners: [{ proxy_protocol: ['127.0.0.1'], trusted_networks: [{ name: 'behind', networks: ['192.0.2.0/24'] }] }],
    handlers: {
      connect: ({ session: { remote, local } }) => void seen.push(`${remote.address}:${remote.port} ${local.port}`),
    },
  });
  await using client = await SmtpDialogue.open(server.port, { greeting: false });
  for (const octet of header) await client.flush(octet);
  expect((await client.reply()).code).toBe(220);
  await client.expect(250, 'EHLO x');
  await client.expect(250, 'MAIL FROM:<a@example.com>');
  expect(seen).toEqual(['192.0.2.7:40000 587']);
});

it('what follows the header in the same packet is read', async () => {
  await using server = await lab.start({ listeners: [{ proxy_protocol: ['127.0.0.1'] }] });
  await using client = await SmtpDialogue.open(server.port, { greeting: false });
  client.write(`${header}EHLO x\r\nQUIT\r\n`);
  for (const code of [220, 250, 221]) expect((await client.reply()).code).toBe(code);
});

it('the header comes before implicit TLS', async () => {
  const { connect } = await import('node:net');
  const { connect: connectTls } = await import('node:tls');
  const seen: string[] = [];
  await using server = await lab.start({
    listeners: [{ tls: 'implicit', proxy_protocol: ['127.0.0.1'] }],
    handlers: { connect: ({ session }) => void seen.push(`${session.remote.address} ${session.tls === null}`) },
  });
  const socket = connect(server.port, '127.0.0.1');
  socket.write(header);
  const secure = connectTls({ socket, rejectUnauthorized: false });
  const greeting = await new Promise<string>((resolve, reject) => {
    secure.once('data', (bytes: Buffer) => resolve(bytes.toString()));
    secure.once('error', reject);
  });
  expect(greeting).toBe('220 relay.example ESMTP Sluice\r\n');
  expect(seen).toEqual(['192.0.2.7 false']);
  secure.destroy();
});

it('a peer that is not listed cannot speak for others', async () => {
  await using server = await lab.start({ listeners: [{ proxy_protocol: ['127.0.0.9'] }] });
  await using client = await SmtpDialogue.open(server.port);
  await client.expect(500, header.trim());
});

it.each([
  ['sends none', 'EHLO x\r\n'],
  ['lies about its form', 'PROXY TCP4 evil 198.51.100.2 1 2\r\n'],
  ['never ends it', `PROXY TCP4 ${'1'.repeat(5_000)}`],
])('a listed peer that %s is cut off', async (_name, bytes) => {
  await using server = await lab.start({ listeners: [{ proxy_protocol: ['127.0.0.1'] }] });
  await using client = await SmtpDialogue.open(server.port, { greeting: false });
  client.write(bytes);
  await client.closed();
  expect(client.heard).toBe('');
});

it('a listed peer that sends its header too slowly is cut off, and so is an endless TLS handshake', async () => {
  await using server = await lab.start({
    listeners: [
      { name: 'proxy', proxy_protocol: ['127.0.0.1'] },
      { name: 'tls', tls: 'implicit' },
    ],
    limits: { command_timeout: '150ms' },
  });
  await using client = await SmtpDialogue.open(server.ports.proxy ?? 0, { greeting: false });
  client.write('PROXY ');
  await client.closed();
  expect(client.heard).toBe('');
  await using silent = await SmtpDialogue.open(server.ports.tls ?? 0, { greeting: false });
  silent.write(Buffer.from([22, 3, 1]));
  await silent.closed();
});

it('connections are counted by the client behind the proxy', async () => {
  await using server = await lab.start({
    listeners: [{ proxy_protocol: ['127.0.0.1'] }],
    limits: { connections_per_address: 1 },
  });
  const open = async (address: string) => {
    const client = await SmtpDialogue.open(server.port, { greeting: false });
    client.write(`PROXY TCP6 ${address} ::1 1 2\r\n`);
    return { client, code: (await client.reply()).code };
  };
  const clients = [await open('2001:db8::1'), await open('2001:db8::ffff'), await open('2001:db8:1::1')];
  expect(clients.map(({ code }) => code)).toEqual([220, 421, 220]);
  for (const { client } of clients) client.destroy();
  await expect.poll(() => server.frontEnd.connections()).toBe(0);
});
