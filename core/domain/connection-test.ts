import type { Phase } from './message.ts';

/** What a TLS session was found to be. */
export interface TlsFacts {
  /** `TLSv1.3` */
  readonly protocol: string;
  /** IANA name: `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** True where the certificate was checked and found good; false where it was not to be checked, and is not. */
  readonly trusted: boolean;
  /** Of the certificate: whose it is, who says so, and its last moment, milliseconds since the epoch. */
  readonly subject: string | null;
  readonly issuer: string | null;
  readonly validUntil: number | null;
}

/** How far a session with an upstream came that was begun to see whether it works; no mail is sent. */
export interface ConnectionTest {
  /** Ready for MAIL. */
  readonly ok: boolean;
  /** Where it ended; `done` when ready for MAIL. */
  readonly phase: Phase;
  /** Address and port spoken to; null where none could be tried. */
  readonly address: string | null;
  readonly tls: TlsFacts | null;
  /** Keywords of the last EHLO with their parameters. */
  readonly capabilities: readonly string[];
  /** The upstream's last reply, on one line; null where it said nothing. */
  readonly reply: string | null;
  /** Why it did not come further, on one line; null when it did. */
  readonly error: string | null;
  readonly milliseconds: number;
}
