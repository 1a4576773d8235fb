import { createHash, randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import type { MessageFacts, RecipientRecord, RefusalRecord } from '../../core/domain/message.ts';
import type { Claim, DeliveryStore } from '../../core/storage/ports/delivery-store.ts';
import type { NewMessage } from '../../core/storage/ports/message-store.ts';

/** A recipient as acceptance makes it: queued and due at once. */
export function recipient(address: string, change: Partial<RecipientRecord> = {}): RecipientRecord {
  return {
    address,
    domain: address.slice(address.lastIndexOf('@') + 1),
    state: 'queued',
    attempts: 0,
    nextAt: Date.now(),
    upstream: null,
    lastReply: null,
    finalAt: null,
    ...change,
  };
}

export interface MailChange {
  readonly facts?: Partial<MessageFacts>;
  readonly recipients?: readonly RecipientRecord[];
  readonly bytes?: Uint8Array;
}

/** A message as the spool hands it over, random body unless given. */
export function mail({ facts, recipients = [recipient('to@example.com')], bytes }: MailChange = {}): NewMessage {
  const body = bytes ?? randomBytes(100);
  return {
    facts: {
      id: uuidv7(),
      origin: 'smtp',
      ownerId: 'owner-1',
      credentialId: 'credential-1',
      acceptedAt: Date.now(),
      source: { sessionId: 's', listener: 'relay', clientAddress: '192.0.2.1', helo: 'client', tls: null },
      sender: 'from@example.org',
      parameters: { body: '8BITMIME' },
      size: body.length,
      sha256: createHash('sha256').update(body).digest('hex'),
      messageId: `<${uuidv7()}@example.org>`,
      subject: 'Grüße, 世界',
      headerEdits: [{ do: 'prepend', name: 'Received', value: 'from client' }],
      notes: { quota: { reserved: 1 } },
      trace: [{ hook: 'connect', plugin: 'blacklist', verdict: 'continue', micros: 3 }],
      pipelineVersion: 1,
      ...facts,
    },
    recipients,
    body: { kind: 'inline', bytes: body },
  };
}

export function refusal(change: Partial<RefusalRecord> = {}): RefusalRecord {
  return {
    id: uuidv7(),
    at: Date.now(),
    outcome: 'refused',
    ownerId: 'owner-1',
    credentialId: 'credential-1',
    source: { sessionId: 's', listener: 'relay', clientAddress: '192.0.2.1', helo: 'client', tls: null },
    sender: 'from@example.org',
    recipients: ['to@example.com'],
    reply: '550 5.7.1 no',
    trace: [],
    pipelineVersion: 1,
    ...change,
  };
}

/** A recipient after a final outcome. */
export const finished = (before: RecipientRecord, state: RecipientRecord['state'] = 'delivered'): RecipientRecord => ({
  ...before,
  state,
  attempts: before.attempts + 1,
  nextAt: null,
  upstream: 'default',
  lastReply: '250 2.0.0 ok',
  finalAt: Date.now(),
});

/** A recipient after "later", due again at `nextAt`. */
export const deferred = (before: RecipientRecord, nextAt: number): RecipientRecord => ({
  ...before,
  state: 'deferred',
  attempts: before.attempts + 1,
  nextAt,
  upstream: 'default',
  lastReply: '450 4.2.0 later',
});

/** Claims with a signal of its own; ends by itself as soon as anything is due. */
export const claim = (deliveries: DeliveryStore, limit = 10, leaseMilliseconds = 45_000): Promise<Claim[]> =>
  deliveries.claim({ limit, worker: 'test', leaseMilliseconds, signal: new AbortController().signal });

/** What can be claimed now, without waiting: nothing, if nothing is due. */
export async function claimNow(deliveries: DeliveryStore, limit = 10): Promise<Claim[]> {
  const asked = new AbortController();
  const claims = deliveries.claim({ limit, worker: 'test', leaseMilliseconds: 45_000, signal: asked.signal });
  // A renewal is answered by the transaction after the one that saw the claim.
  await deliveries.renew([], 1);
  await deliveries.renew([], 1);
  asked.abort();
  return claims;
}

/** Settles every recipient of a claim in one final state. */
export function finish(
  deliveries: DeliveryStore,
  { record, lease }: Claim,
  state: RecipientRecord['state'] = 'delivered',
) {
  return deliveries.settle({
    lease,
    recipients: record.recipients.map((one, index) => ({ index, recipient: finished(one, state) })),
    attempts: [],
    generated: [],
    release: true,
  });
}
