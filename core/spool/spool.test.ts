import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { SluiceError } from '../domain/errors.ts';
import { networkIdentity } from '../domain/identity.ts';
import { reply } from '../domain/reply.ts';
import { FakeClock } from '../pipeline/testing/fake-clock.ts';
import { message as looseMessage, session, transaction } from '../pipeline/testing.ts';
import { MemoryCounters } from '../storage/memory/counters.ts';
import { messageFromRecord } from './message-from-record.ts';
import { MessageIntake } from './message-intake.ts';
import { createSpool } from './spool.ts';
import type { SpooledMessage } from './spooled-message.ts';
import { MemoryMessageStore } from './testing/memory-message-store.ts';

const id = '01930000-0000-7000-8000-000000000001';
const clock = new FakeClock(Date.UTC(2026, 10, 22, 18, 0, 1));
const now = clock.now();
let store = new MemoryMessageStore();
let counters = new MemoryCounters({ clock });
beforeEach(() => {
  store = new MemoryMessageStore();
  counters = new MemoryCounters({ clock });
});

const spool = () => createSpool({ store, counters, clock, log: pino({ level: 'silent' }), hostname: 'relay.example' });

async function receive(text: string): Promise<SpooledMessage> {
  const intake = new MessageIntake(store, id);
  await intake.write(Buffer.from(text));
  return await intake.finish();
}

async function view(body: Uint8Array | null): Promise<string> {
  const [committed] = store.committed;
  if (committed === undefined) throw new Error('nothing was committed');
  const record = { ...committed.facts, recipients: [...committed.recipients], nextAt: now, requested: null };
  const stored = await messageFromRecord(record, body, (of, n) => store.readChunk(of, n));
  const pieces: Uint8Array[] = [];
  for await (const piece of stored.open()) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

const identity = { ownerId: 'user-1', credentialId: 'credential-1', username: 'relay_1' };
const plain = 'Subject: hello\r\n\r\nbody\r\n';

describe('Spool.commit', () => {
  it('stores what was said and who said it, with Date and Message-ID where they were missing', async () => {
    const s = session({ identity, tls: { protocol: 'TLSv1.3', cipher: 'x' } });
    const t = transaction({
      session: s,
      recipients: ['"a b"@Example.com', 'c@example.org'],
      parameters: { size: 9, ret: 'HDRS' },
      notes: { quota: { reserved: 2 } } as object,
    });
    t.trace.entries();
    const message = await receive(plain);
    message.headers.prepend('Received', 'from x');
    await spool().commit(s, t, message);
    expect(store.committed).toMatchObject([
      {
        facts: {
          id,
          origin: 'smtp',
          ownerId: 'user-1',
          credentialId: 'credential-1',
          acceptedAt: now,
          source: {
            sessionId: 'session-1',
            listener: 'relay',
            clientAddress: '192.0.2.1',
            helo: 'client.example',
            tls: 'TLSv1.3',
          },
          sender: 'sender@example.com',
          parameters: { size: 9, ret: 'HDRS' },
          size: plain.length,
          messageId: `<${id}@relay.example>`,
          subject: 'hello',
          notes: { quota: { reserved: 2 } },
          pipelineVersion: 1,
        },
        recipients: [
          {
            address: '"a b"@Example.com',
            domain: 'example.com',
            state: 'queued',
            attempts: 0,
            nextAt: now,
            finalAt: null,
          },
          { address: 'c@example.org', domain: 'example.org', state: 'queued' },
        ],
      },
    ]);
    expect(store.stored(id).toString()).toBe(plain);
    expect(await view(store.stored(id))).toBe(
      `Received: from x\r\nSubject: hello\r\nDate: Sun, 22 Nov 2026 18:00:01 +0000\r\nMessage-ID: <${id}@relay.example>\r\n\r\nbody\r\n`,
    );
  });

  it('leaves Date and Message-ID as they came, and names no sender for <>', async () => {
    const t = transaction({ sender: '', recipients: ['a@example.com'], identity: networkIdentity('office') });
    const text = 'message-id: <own@example.com>\r\ndate: whenever\r\n\r\nbody\r\n';
    await spool().commit(t.session, t, await receive(text));
    expect(store.committed).toMatchObject([
      {
        facts: {
          sender: '',
          messageId: '<own@example.com>',
          subject: null,
          headerEdits: [],
          ownerId: 'network:office',
        },
      },
    ]);
    expect(await view(store.stored(id))).toBe(text);
  });

  it('stores large bodies under their id, and shows the same view from their pieces', async () => {
    const t = transaction({ recipients: ['a@example.com'] });
    const text = `Date: x\r\nMessage-ID: <y>\r\n\r\n${'0123456789\r\n'.repeat(60_000)}`;
    const message = await receive(text);
    message.headers.append('X-A', '1');
    await spool().commit(t.session, t, message);
    expect(store.committed).toMatchObject([{ body: { kind: 'chunks', count: 3 }, facts: { ownerId: 'anonymous' } }]);
    expect(store.stored(id).toString()).toBe(text);
    expect(await view(null)).toBe(text.replace('<y>\r\n', '<y>\r\nX-A: 1\r\n'));
  });

  it.each([
    [{ as: 'relayed', reply: reply(250, '2.0.0', 'taken') } as const, 'relayed', '250 2.0.0 taken'],
    [{ as: 'discarded' } as const, 'discarded', 'discarded'],
    [{ as: 'discarded', text: 'a virus' } as const, 'discarded', 'a virus'],
  ])('makes %j final from the start', async (disposition, state, lastReply) => {
    const t = transaction({ recipients: ['a@example.com'] });
    await spool().commit(t.session, t, await receive(plain), disposition);
    expect(store.committed).toMatchObject([{ recipients: [{ state, lastReply, nextAt: null, finalAt: now }] }]);
  });

  it('commits only the message of this transaction', async () => {
    const t = transaction({ id: 'other', recipients: ['a@example.com'] });
    await expect(spool().commit(t.session, t, await receive(plain))).rejects.toMatchObject({ code: 'INTERNAL' });
    const own = transaction();
    await expect(spool().commit(own.session, own, looseMessage(plain))).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(store.committed).toEqual([]);
  });
});

describe('reservations', () => {
  const window = { account: '1', owner: 'user:1', window: 'hour', limit: 2, startsAt: now, endsAt: now + 3_600_000 };
  const reserved = async () => {
    const held = counters.reserve([window], 2);
    if (!held.ok) throw new Error('no room');
    return held.reservation;
  };

  it('are settled by a commit', async () => {
    const t = transaction({ recipients: ['a@example.com'], reservations: [await reserved()] });
    const held = [...t.reservations];
    await spool().commit(t.session, t, await receive(plain));
    counters.release(held);
    expect(counters.used(window)).toBe(2);
  });

  it('are given back when the commit fails, once', async () => {
    const t = transaction({ recipients: ['a@example.com'], reservations: [await reserved()] });
    const message = await receive(plain);
    store.failure = new SluiceError('STORE_FULL', 'full');
    await expect(spool().commit(t.session, t, message)).rejects.toMatchObject({ code: 'STORE_FULL' });
    expect(t.reservations).toEqual([]);
    expect(counters.used(window)).toBe(0);
  });

  it('stop the commit when they ran out and the room is gone', async () => {
    const t = transaction({ recipients: ['a@example.com'], reservations: [await reserved()] });
    counters.release(t.reservations);
    await reserved();
    await expect(spool().commit(t.session, t, await receive(plain))).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect(store.committed).toEqual([]);
  });
});
