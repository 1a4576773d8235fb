/** A mailbox as SMTP names it (RFC 5321 §4.1.2, RFC 6531 §3.3). Values are made by `parsePath` only. */
export interface Address {
  /** As received, without the angle brackets; what goes on the wire to the upstream. */
  readonly text: string;
  /** Local part with quoting undone; its case is kept (RFC 5321 §2.4). */
  readonly local: string;
  /** Lower-case A-labels, or an address literal such as `[192.0.2.1]`; empty only for the bare `postmaster`. */
  readonly domain: string;
  /** True when `text` holds a character beyond ASCII, so that the next hop needs SMTPUTF8. */
  readonly needsSmtpUtf8: boolean;
}

/** Parameters of MAIL FROM that travel with the message (RFC 1870, 6152, 6531, 3461). */
export interface MailParameters {
  /** SIZE as declared, in octets. */
  readonly size?: number;
  readonly body?: '7BIT' | '8BITMIME';
  readonly smtputf8?: boolean;
  readonly ret?: 'FULL' | 'HDRS';
  /** ENVID exactly as received, still xtext-encoded. */
  readonly envid?: string;
}

/** Parameters of RCPT TO (RFC 3461). */
export interface RcptParameters {
  readonly notify?: readonly ('NEVER' | 'SUCCESS' | 'FAILURE' | 'DELAY')[];
  /** ORCPT exactly as received, `addr-type;xtext`. */
  readonly orcpt?: string;
}

export interface Recipient {
  readonly address: Address;
  readonly parameters: RcptParameters;
}
