import type { Address, MailParameters, RcptParameters, Recipient } from '../domain/envelope.ts';
import type { HeaderEdit } from '../domain/header-edit.ts';
import type { Identity } from '../domain/identity.ts';
import type { TraceEntry } from '../domain/message.ts';
import type { SessionNotes, TransactionNotes } from '../domain/notes.ts';
import type { Reservation } from '../storage/ports/counters.ts';

/** One TCP connection of a client, as plugins see it. */
export interface Session {
  readonly id: string;
  /** Name of the listener it came in by. */
  readonly listener: string;
  /** The client's address, v4-mapped forms unwrapped, PROXY and XCLIENT applied. */
  readonly remote: { readonly address: string; readonly port: number };
  readonly local: { readonly address: string; readonly port: number };
  readonly startedAt: number;
  readonly tls: { readonly protocol: string; readonly cipher: string } | null;
  readonly hello: { readonly verb: 'HELO' | 'EHLO'; readonly name: string } | null;
  /** Who logged in, or null. A trusted network is no login: see `trustedNetwork`. */
  readonly identity: Identity | null;
  /** Name of the configured network the client's address lies in, or null. */
  readonly trustedNetwork: string | null;
  readonly notes: SessionNotes;
}

/** One mail transaction: from MAIL to whatever ends it. It keeps the pipeline it began with. */
export interface Transaction {
  /** UUIDv7; becomes the queue id. */
  readonly id: string;
  readonly session: Session;
  readonly pipelineVersion: number;
  /** Identity the mail will belong to: the login, or the trusted network; null until one is known. */
  readonly identity: Identity | null;
  /** Null is the null reverse-path `<>`. */
  readonly sender: Address | null;
  readonly parameters: MailParameters;
  /** Accepted so far. A `rcptTo` hook is asked before its recipient is added. */
  readonly recipients: readonly Recipient[];
  readonly notes: TransactionNotes;
  /** Held counters. Core settles them before the commit and releases them when the transaction ends otherwise. */
  readonly reservations: Reservation[];
  /** What the hooks answered so far; stored with the message. The runner's `Trace` is one. */
  readonly trace: { entries(): TraceEntry[] };
}

/** A field of the header block as it stands after the edits. */
export interface HeaderField {
  readonly name: string;
  /** Unfolded (RFC 5322 §2.2.3), surrounding blanks removed, not decoded. */
  readonly value: string;
}

/** The header block in the edited view; every change becomes a `HeaderEdit` of the message. */
export interface MessageHeaders {
  /** First field of that name, or undefined. Names compare without case. */
  get(name: string): string | undefined;
  all(name: string): string[];
  fields(): readonly HeaderField[];
  /** A long value is folded, unless `form` says that it is to stay as it is written. */
  prepend(name: string, value: string, form?: { readonly fold?: false }): void;
  append(name: string, value: string, form?: { readonly fold?: false }): void;
  remove(name: string, nth?: number): void;
  replace(name: string, nth: number, value: string, form?: { readonly fold?: false }): void;
  readonly edits: readonly HeaderEdit[];
}

/** A received message. The stored bytes are immutable; what plugins see is the edited view. */
export interface Message {
  readonly id: string;
  /** Octets as stored, before edits. */
  readonly size: number;
  readonly headers: MessageHeaders;
  /** Header block (edited) and body, in pieces of at most 256 KB, CRLF line ends, not dot-stuffed. */
  open(): AsyncIterable<Uint8Array>;
  /** Writes a new body (without header block) and swaps it in before the commit. */
  replaceBody(body: AsyncIterable<Uint8Array> | Uint8Array): Promise<void>;
}

export type { MailParameters, RcptParameters };
