import type { TLSSocketOptions } from 'node:tls';
import type { Address, Recipient } from '../../domain/envelope.ts';
import type { Reply } from '../../domain/reply.ts';
import type { Session, Transaction } from '../session.ts';
import type { AssumedFacts, Secured, SessionControl, SessionControls } from '../session-control.ts';

/** A session without a connection: remembers what a plugin did to it. A test sets what shall be found. */
export class FakeSessionControl implements SessionControl {
  readonly session: Session;
  earlyTalker = false;
  proxy: string | null = null;
  gone = false;
  paused = false;
  readonly sent: Reply[] = [];
  readonly upgrades: TLSSocketOptions[] = [];
  resets = 0;
  /** What the client sent behind the command under way. */
  input: Uint8Array = new Uint8Array();
  /** What a handshake comes to; an error makes it fail, and ends the session. */
  handshake: Secured | Error = {
    authorized: false,
    authorizationError: null,
    peerCertificate: {} as Secured['peerCertificate'],
    cipher: {
      name: 'TLS_AES_256_GCM_SHA384',
      standardName: 'TLS_AES_256_GCM_SHA384',
      version: 'TLSv1.3',
      protocol: 'TLSv1.3',
    },
  };

  constructor(session: Session) {
    this.session = session;
  }

  pending(): Uint8Array {
    return this.input;
  }

  discardPending(): void {
    this.input = new Uint8Array();
  }

  send(reply: Reply): void {
    if (!this.gone) this.sent.push(reply);
    if (reply.code === 421) this.gone = true;
  }

  disconnect(): void {
    this.gone = true;
  }

  async upgrade(options: TLSSocketOptions): Promise<Secured> {
    this.upgrades.push(options);
    this.discardPending();
    if (this.handshake instanceof Error) {
      this.gone = true;
      throw this.handshake;
    }
    const { name, protocol } = this.handshake.cipher;
    Object.assign(this.session, { tls: { protocol, cipher: name }, hello: null, identity: null });
    return this.handshake;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  assume(facts: AssumedFacts): void {
    Object.assign(this.session, facts);
  }

  resetTransaction(): void {
    this.resets++;
  }

  amend(transaction: Transaction, envelope: { sender?: Address | null; recipients?: readonly Recipient[] }): void {
    const { recipients = transaction.recipients, ...others } = envelope;
    Object.assign(transaction, others, { recipients: [...recipients] });
  }
}

/** The control of any session a test made, one each. */
export class FakeSessionControls implements SessionControls {
  readonly #controls = new WeakMap<Session, FakeSessionControl>();

  of(session: Session): FakeSessionControl {
    const control = this.#controls.get(session) ?? new FakeSessionControl(session);
    this.#controls.set(session, control);
    return control;
  }
}
