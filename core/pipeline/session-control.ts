import type { PeerCertificate, TLSSocket, TLSSocketOptions } from 'node:tls';
import type { Address, Recipient } from '../domain/envelope.ts';
import type { Reply } from '../domain/reply.ts';
import type { Session, Transaction } from './session.ts';

/** What a TLS handshake that a plugin asked for came to. */
export interface Secured {
  /** True where the client showed a certificate that the options' authorities vouch for. */
  readonly authorized: boolean;
  readonly authorizationError: Error | null;
  readonly peerCertificate: PeerCertificate;
  readonly cipher: ReturnType<TLSSocket['getCipher']> & { readonly protocol: string };
}

/** What a plugin knows better than the socket: who really speaks (XCLIENT), and how it greeted. */
export interface AssumedFacts {
  /** Canonical address (v4-mapped forms unwrapped); the listener's trusted networks are matched anew. */
  readonly remote?: Session['remote'];
  readonly local?: Session['local'];
  readonly hello?: Session['hello'];
}

/**
 * What a bridge to plugins of another server may do to a session besides answering hooks: speak in its own words, take
 * over STARTTLS, say who the client really is. Ordinary plugins answer with verdicts and need none of it.
 */
export interface SessionControl {
  /** True once the client sent something before it was greeted (RFC 5321 §4.3.1). */
  readonly earlyTalker: boolean;
  /** True once nothing can be said to the client any more. */
  readonly gone: boolean;
  /** What the client sent behind the command that is being answered, as far as it was read; may change with the next turn. */
  pending(): Uint8Array;
  /** Drops what `pending` shows: it was sent in clear before a handshake, for one. */
  discardPending(): void;
  /** Sends a reply at once. The hook under way answers `accept({ reply: null })` then. */
  send(reply: Reply): void;
  /** Closes the connection behind what was sent. */
  disconnect(): void;
  /**
   * Runs the server side of a TLS handshake, the 220 having been sent, and begins the session anew (RFC 3207 §4.2): hello,
   * login and an open transaction are forgotten. Rejects where the handshake fails; the connection is closed then.
   */
  upgrade(options: TLSSocketOptions): Promise<Secured>;
  /** Stops and resumes reading from the client. */
  pause(): void;
  resume(): void;
  assume(facts: AssumedFacts): void;
  /** Ends the open transaction as RSET does; nothing is sent. */
  resetTransaction(): void;
  /** Changes the envelope of the open transaction, before it is committed. */
  amend(transaction: Transaction, envelope: { sender?: Address | null; recipients?: readonly Recipient[] }): void;
}

/** Finds the control of a session; null where its connection is not in this process, or has ended. */
export interface SessionControls {
  of(session: Session): SessionControl | null;
}
