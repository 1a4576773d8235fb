import type { PeerCertificate, TLSSocket, TLSSocketOptions } from 'node:tls';
import type { Address, Recipient } from '../domain/envelope.ts';
import type { Reply } from '../domain/reply.ts';
import type { Session, Transaction } from './session.ts';

/** What a TLS handshake that a plugin asked for came to. */
export interface Secured {
  /** True where the client showed a certificate that the options' authorities vouch for. */
  readonly authorized: boolean;
  /** Why not, where one was asked for; its message is OpenSSL's name for it. */
  readonly authorizationError: Error | null;
  readonly peerCertificate: PeerCertificate;
  readonly cipher: ReturnType<TLSSocket['getCipher']> & { readonly protocol: string };
}

/** What a plugin knows better than the socket: who really speaks (XCLIENT), and how it greeted. */
export interface AssumedFacts {
  /** v4-mapped addresses are unwrapped; the listener's trusted networks are matched anew. */
  readonly remote?: Session['remote'];
  readonly local?: Session['local'];
  readonly hello?: Session['hello'];
}

/**
 * What a bridge to plugins of another server may do to a session besides answering hooks: speak in its own words, take
 * over STARTTLS, say who the client really is. Ordinary plugins answer with verdicts and need none of it. Once the client
 * is gone nothing here has an effect.
 */
export interface SessionControl {
  /** True once the client sent something before it was greeted (RFC 5321 §4.3.1), while a `connect` hook waited, for one. */
  readonly earlyTalker: boolean;
  /** Address of the proxy that a PROXY header came from; null where the client connected by itself. */
  readonly proxy: string | null;
  /** True once nothing can be said to the client any more. */
  readonly gone: boolean;
  /** What the client sent behind the command that is being answered, as far as it was read; may change with the next turn. */
  pending(): Uint8Array;
  /** Drops what `pending` shows. */
  discardPending(): void;
  /**
   * Sends a reply at once, behind those to earlier commands. The hook under way answers `accept({ reply: null })` then.
   * Refusals count towards the limit on errors, and a 421 closes the connection, as everywhere.
   */
  send(reply: Reply): void;
  /** Closes the connection behind what was sent. */
  disconnect(): void;
  /**
   * Runs the server side of a TLS handshake, the 220 having been sent, and begins the session anew (RFC 3207 §4.2): hello,
   * login and an open transaction are forgotten, what was pipelined in clear is dropped. Of the options those of a secure
   * context, `SNICallback`, `requestCert` and `rejectUnauthorized` are heeded. Rejects where the handshake fails or the
   * options are no good, and the connection is closed; rejects and does nothing where TLS is on already.
   */
  upgrade(options: TLSSocketOptions): Promise<Secured>;
  /** Stops reading from the client, also what was received already. Deadlines go on. */
  pause(): void;
  resume(): void;
  /**
   * Changes what the session says from now on. The connection still counts as one of the address it came from, and a
   * transaction that is open keeps its owner. Throws a RangeError for what is no IP address.
   */
  assume(facts: AssumedFacts): void;
  /** Ends the open transaction as RSET does; nothing is sent. Throws while its message is being received. */
  resetTransaction(): void;
  /**
   * Changes the envelope of the open transaction: nobody is asked about what it becomes, neither gates nor core. Throws
   * once the message is being stored, for another transaction, and for no recipients once DATA was answered.
   */
  amend(transaction: Transaction, envelope: { sender?: Address | null; recipients?: readonly Recipient[] }): void;
}

/** Finds the control of a session; null where its connection is not in this process, or has ended. */
export interface SessionControls {
  of(session: Session): SessionControl | null;
}
