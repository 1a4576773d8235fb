import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FrontEndLab, goodLogin, openLab } from '../../tests/support/front-end-lab.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';

let lab: FrontEndLab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const clear = [{ tls: 'none', auth_without_tls: true }] as const;

async function inData(port: number): Promise<SmtpDialogue> {
  const client = await SmtpDialogue.open(port);
  client.write(`EHLO x\r\n${goodLogin}\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n`);
  for (const code of [250, 235, 250, 250, 354]) expect((await client.reply()).code).toBe(code);
  return client;
}

/** Sends `octet` again and again until the peer has closed. */
async function drip(client: SmtpDialogue, octet: string): Promise<void> {
  const timer = setInterval(() => client.write(octet), 5);
  await client.closed();
  clearInterval(timer);
}

describe('a session that', () => {
  it('sends no command ends by 421', async () => {
    await using server = await lab.start({ limits: { command_timeout: '60ms' } });
    await using client = await SmtpDialogue.open(server.port);
    expect(await client.reply()).toMatchObject({ code: 421, text: expect.stringMatching(/^4\.4\.2/) });
    await client.closed();
  });

  it('drips a command in, byte by byte, ends by 421', async () => {
    await using server = await lab.start({ limits: { command_timeout: '100ms' } });
    await using client = await SmtpDialogue.open(server.port);
    await drip(client, 'N');
    expect(client.heard).toMatch(/\r\n421 4\.4\.2 /);
  });

  it('sends command after command does not', async () => {
    await using server = await lab.start({ limits: { command_timeout: '200ms' } });
    await using client = await SmtpDialogue.open(server.port);
    const end = performance.now() + 500;
    while (performance.now() < end) await client.expect(250, 'NOOP');
  });

  it('drips a message in ends by 421, however many bytes came', async () => {
    await using server = await lab.start({ listeners: clear, limits: { data_timeout: '150ms' } });
    await using client = await inData(server.port);
    await drip(client, 'x\r\n');
    expect(client.heard).toMatch(/\r\n421 4\.4\.2 The message did not arrive in time/);
    expect(server.refusals).toMatchObject([{ outcome: 'aborted' }]);
  });

  it('has become old ends between two transactions, and not within one', async () => {
    await using server = await lab.start({ listeners: clear, limits: { session_age: '150ms' } });
    await using idle = await SmtpDialogue.open(server.port);
    await using busy = await inData(server.port);
    expect(await idle.reply()).toMatchObject({ code: 421, text: expect.stringMatching(/^4\.3\.2 .*old/) });
    busy.write('Subject: x\r\n\r\n.\r\n');
    expect((await busy.reply()).code).toBe(250);
    expect((await busy.reply()).code).toBe(421);
    await busy.closed();
  });

  it('has reached its absolute end is closed, whatever it does', async () => {
    await using server = await lab.start({ listeners: clear, limits: { session_timeout: '150ms' } });
    await using client = await inData(server.port);
    await drip(client, 'x\r\n');
    expect(client.heard).toMatch(/\r\n421 /);
  });

  it('does not end its TLS handshake is closed', async () => {
    await using server = await lab.start({ limits: { command_timeout: '100ms' } });
    await using client = await SmtpDialogue.open(server.port);
    await client.expect(220, 'STARTTLS');
    client.write(Buffer.from([22, 3, 1]));
    await client.closed();
    await expect.poll(() => server.frontEnd.connections()).toBe(0);
  });
});

describe('the greeting', () => {
  it('comes at once', async () => {
    await using server = await lab.start();
    const started = performance.now();
    for (let i = 0; i < 20; i++) {
      await using client = await SmtpDialogue.open(server.port);
      expect(client.heard).toBe('220 relay.example ESMTP Sluice\r\n');
    }
    // The library alone would wait 100 ms each time.
    expect(performance.now() - started).toBeLessThan(1_500);
  });

  it('waits where the listener pauses; who speaks before it is disconnected', async () => {
    await using server = await lab.start({ listeners: [{ greeting_pause: '150ms' }] });
    const started = performance.now();
    await using patient = await SmtpDialogue.open(server.port);
    expect(performance.now() - started).toBeGreaterThan(140);
    await patient.expect(250, 'EHLO x');
    await using early = await SmtpDialogue.open(server.port, { greeting: false });
    early.write('EHLO');
    expect(await early.reply()).toMatchObject({ code: 421, text: expect.stringContaining('before the greeting') });
    await early.closed();
  });

  it('without a pause lets what came early wait for it', async () => {
    const asked = Promise.withResolvers<void>();
    await using server = await lab.start({ handlers: { connect: () => asked.promise } });
    await using client = await SmtpDialogue.open(server.port, { greeting: false });
    await client.flush('EHLO x\r\nNOOP\r\n');
    asked.resolve();
    for (const code of [220, 250, 250]) expect((await client.reply()).code).toBe(code);
  });
});
