import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { strictAddresses } from '../domain/mailbox.ts';
import { FakeClock } from '../pipeline/testing/fake-clock.ts';
import type { Submission } from '../storage/ports/send.ts';
import { createSend } from './submission.ts';
import { MemoryMessageStore } from './testing/memory-message-store.ts';

const identity = { ownerId: 'plugin:bridge', credentialId: null, username: 'plugin:bridge' };
const limits = { size: 3_000_000, header_size: 1_000, recipients: 3 };

describe('mail that plugins send', () => {
  let store: MemoryMessageStore;
  beforeEach(() => {
    store = new MemoryMessageStore();
  });

  const send = (submission: Partial<Submission>) =>
    createSend({
      store,
      clock: new FakeClock(),
      hostname: 'relay.example',
      addresses: strictAddresses,
      limits,
    }).send({
      sender: 'from@example.org',
      recipients: ['to@example.com'],
      content: Buffer.from('Subject: hello\r\n\r\nbody\r\n'),
      identity,
      ...submission,
    });

  it('is committed as submitted, due at once, with what the headers lack', async () => {
    const { id } = await send({ notes: { haraka: { a: 1 }, not: undefined } });
    const [message] = store.committed;
    expect(message?.facts).toMatchObject({
      id,
      origin: 'submitted',
      ownerId: 'plugin:bridge',
      credentialId: null,
      source: null,
      sender: 'from@example.org',
      subject: 'hello',
      messageId: `<${id}@relay.example>`,
      notes: { haraka: { a: 1 } },
    });
    expect(message?.facts.headerEdits.map(({ name }) => name)).toEqual(['Date', 'Message-ID']);
    expect(message?.recipients).toMatchObject([{ address: 'to@example.com', domain: 'example.com', state: 'queued' }]);
    expect(message?.recipients[0]?.nextAt).toBe(message?.facts.acceptedAt);
    expect(message?.facts.sha256).toBe(createHash('sha256').update(store.stored(id)).digest('hex'));
  });

  it('keeps Date and Message-ID that are there', async () => {
    await send({ content: Buffer.from('Date: then\r\nMessage-ID: <own@x>\r\n\r\n') });
    expect(store.committed[0]?.facts).toMatchObject({ headerEdits: [], messageId: '<own@x>' });
  });

  it.each([
    ['LF', 'A: b\n\nc\nd'],
    ['CR', 'A: b\r\rc\rd'],
    ['a mixture', 'A: b\r\n\nc\r\nd'],
  ])('makes %s line ends CRLF, cut anywhere', async (_, text) => {
    async function* octets() {
      for (const octet of Buffer.from(text)) yield Buffer.of(octet);
    }
    const { id } = await send({ content: octets() });
    expect(store.stored(id).toString()).toBe('A: b\r\n\r\nc\r\nd\r\n');
  });

  it('streams a large message and holds no more than a piece of it', async () => {
    async function* lines() {
      yield Buffer.from('Subject: large\n\n');
      for (let n = 0; n < 1_500; n++) yield Buffer.alloc(1_000, 'x\n');
    }
    const { id } = await send({ content: lines() });
    expect(store.committed[0]?.facts).toMatchObject({ subject: 'large', size: store.stored(id).length });
    expect(store.stored(id).includes('\r\nx\r\n')).toBe(true);
    expect(store.mostPending).toBeLessThanOrEqual(256 * 1024);
  });

  it('asks for SMTPUTF8 and 8BITMIME where they are needed, and only there', async () => {
    await send({});
    await send({ recipients: ['postmästare@example.com'], content: Buffer.from('A: b\n\nblåbär\n') });
    expect(store.committed.map(({ facts }) => facts.parameters)).toEqual([{}, { body: '8BITMIME', smtputf8: true }]);
  });

  it('takes the null reverse-path, and parameters of recipients', async () => {
    await send({ sender: null, recipients: [{ address: 'to@example.com', parameters: { notify: ['NEVER'] } }] });
    expect(store.committed[0]).toMatchObject({
      facts: { sender: '' },
      recipients: [{ parameters: { notify: ['NEVER'] } }],
    });
  });

  it.each([
    ['no recipient', { recipients: [] }, 'MAIL_REFUSED'],
    ['too many recipients', { recipients: ['a@x.org', 'b@x.org', 'c@x.org', 'd@x.org'] }, 'MAIL_REFUSED'],
    ['a recipient that is no address', { recipients: ['no address'] }, 'MAIL_REFUSED'],
    ['a recipient with more behind it', { recipients: ['a@x.org> NOTIFY=NEVER'] }, 'MAIL_REFUSED'],
    ['a second command in an address', { sender: 'a@x.org>\r\nRCPT TO:<b@x.org' }, 'MAIL_REFUSED'],
    ['a NUL', { content: Buffer.from('A: b\n\n\0') }, 'MAIL_REFUSED'],
    ['a header without an end', { content: Buffer.alloc(1_500, 'A: b\n') }, 'MAIL_REFUSED'],
    ['a message that is too large', { content: Buffer.alloc(3_000_001, '\r\n') }, 'REQUEST_TOO_LARGE'],
  ])('refuses %s, and stores nothing', async (_, submission, code) => {
    await expect(send(submission)).rejects.toMatchObject({ name: 'SluiceError', code });
    expect(store.committed).toEqual([]);
    expect(store.pieces.size).toBe(0);
  });

  it('drops what it had stored where the content fails', async () => {
    async function* broken() {
      yield Buffer.from('A: b\n\n');
      for (let n = 0; n < 400; n++) yield Buffer.alloc(1_000, 'x\n');
      throw new Error('the source is gone');
    }
    await expect(send({ content: broken() })).rejects.toThrow('the source is gone');
    expect(store.pieces.size).toBe(0);
  });

  it('takes nothing while there is no room', async () => {
    store.failure = new Error('full');
    await expect(send({})).rejects.toMatchObject({ code: 'STORE_FULL' });
  });
});
