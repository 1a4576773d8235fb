import type { Reply } from '../domain/reply.ts';
import type { ClientConnection } from './connection.ts';
import { replies } from './replies.ts';

/** A right to relay that needs no plugin: a login, or an address in a trusted network. */
export const mayRelay = (connection: ClientConnection): boolean =>
  connection.state.identity !== null || connection.state.trustedNetwork !== null;

/**
 * Asks again whether this client may still be here. A blocked address is disconnected; a login that was revoked is
 * forgotten, so that the client may log in with another one.
 */
export function stillWelcome(connection: ClientConnection): boolean {
  const refusal = lostRight(connection);
  if (refusal === null) return true;
  if (refusal === replies.permission.revoked) {
    connection.reply(refusal);
    connection.state.identity = null;
  } else {
    connection.farewell(refusal);
  }
  return false;
}

/** The refusal for a client that was let in and would not be now; null if all is well. */
export function lostRight(connection: ClientConnection): Reply | null {
  const { access } = connection.shared;
  const { identity, remote } = connection.state;
  const blocked = access.addressBlocked(remote.address);
  if (blocked !== null) return blocked;
  const credentialId = (connection.transaction?.identity ?? identity)?.credentialId ?? null;
  return credentialId !== null && !access.credentialUsable(credentialId) ? replies.permission.revoked : null;
}
