import type { RefusedBy } from '../pipeline/pipeline.ts';
import type { ClientConnection } from './connection.ts';
import { replies } from './replies.ts';
import type { ListenerPolicy } from './shared.ts';

/** Name of the listener's network that the address lies in, or null. */
export const trustedNetworkOf = ({ trustedNetworks }: ListenerPolicy, address: string): string | null =>
  trustedNetworks.find(({ set }) => set.contains(address))?.name ?? null;

/** A right to relay that needs no plugin: a login, or an address in a trusted network. */
export const mayRelay = (connection: ClientConnection): boolean =>
  connection.state.identity !== null || connection.state.trustedNetwork !== null;

/**
 * Asks again about a client that was let in before: the refusal, if it would not be now. A blocked address is
 * disconnected; a login that was revoked is forgotten, so that the client may log in with another one.
 */
export function lostRight(connection: ClientConnection): RefusedBy | null {
  const { access } = connection.shared;
  const { identity, remote } = connection.state;
  const blocked = access.addressBlocked(remote.address);
  if (blocked !== null) return { do: 'disconnect', reply: blocked, plugin: 'core' };
  const credentialId = (connection.transaction?.identity ?? identity)?.credentialId ?? null;
  if (credentialId === null || access.credentialUsable(credentialId)) return null;
  connection.state.identity = null;
  return { do: 'reject', reply: replies.permission.revoked, plugin: 'core' };
}
