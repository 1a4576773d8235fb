import type { Address, Recipient } from '../../domain/envelope.ts';
import { parseMailbox } from '../../domain/mailbox.ts';
import type { Session, Transaction } from '../session.ts';
import { createTrace } from '../trace.ts';

/** An address by its text; throws where it is none. */
export function address(text: string): Address {
  const found = parseMailbox(text);
  if ('fault' in found) throw new RangeError(`${text}: ${found.text}`);
  return found;
}

/** A session of a client at 192.0.2.1 that said EHLO and has not logged in; give what shall be different. */
export function session(given: Partial<Session> = {}): Session {
  return {
    id: 'session-1',
    listener: 'relay',
    remote: { address: '192.0.2.1', port: 50_000 },
    local: { address: '127.0.0.1', port: 2_525 },
    startedAt: 0,
    tls: null,
    hello: { verb: 'EHLO', name: 'client.example' },
    identity: null,
    trustedNetwork: null,
    notes: {},
    ...given,
  };
}

type Given = Partial<Omit<Transaction, 'sender' | 'recipients'>> & {
  /** As a text; empty for `<>`. */
  readonly sender?: string;
  readonly recipients?: readonly string[];
};

/** A transaction from sender@example.com without recipients; give what shall be different, addresses as text. */
export function transaction(given: Given = {}): Transaction & { recipients: Recipient[] } {
  const { sender = 'sender@example.com', recipients = [], ...others } = given;
  const within = others.session ?? session();
  return {
    id: '01930000-0000-7000-8000-000000000001',
    session: within,
    pipelineVersion: 1,
    identity: within.identity,
    sender: sender === '' ? null : address(sender),
    parameters: {},
    recipients: recipients.map((text) => ({ address: address(text), parameters: {} })),
    notes: {},
    reservations: [],
    trace: createTrace(),
    ...others,
  };
}
