import type { Reply } from '../domain/reply.ts';

/**
 * Answers from memory that is kept current by the bus, asked at connect, AUTH, MAIL, RCPT and once before the commit:
 * what is revoked or blocked stops within an open session.
 */
export interface Access {
  /** False once the credential or its owner was disabled or deleted. */
  credentialUsable(credentialId: string): boolean;
  /** The reply for an address that may not connect, or null. `address` is canonical. */
  addressBlocked(address: string): Reply | null;
}
