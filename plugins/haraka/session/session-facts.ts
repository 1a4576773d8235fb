import type { Session } from '../../../core/pipeline/plugin.ts';
import type { AssumedFacts, SessionControl } from '../../../core/pipeline/session-control.ts';
import type { Connection } from './haraka-connection.ts';

/** Brings to the connection what the session has learnt by itself: TLS, how the client greets, that it may relay. */
export function followSession(connection: Connection, session: Session): void {
  if (session.tls !== null && connection.tls.enabled !== true) {
    connection.setTLS({ cipher: { name: session.tls.cipher, version: session.tls.protocol }, verified: false });
  }
  if (session.hello !== null && connection.hello.host !== session.hello.name) {
    connection.hello = { host: session.hello.name, verb: session.hello.verb };
  }
  // Who logged in with Sluice, or comes from a trusted network, may relay as far as Haraka's plugins are concerned.
  const may = session.identity !== null || session.trustedNetwork !== null;
  if (may && !connection.relaying) connection.relaying = true;
}

/** Carries over to the session what a plugin said of the client (XCLIENT). True where its address changed. */
export function tellSession(connection: Connection, session: Session, control: SessionControl | null): boolean {
  const changes = connection.takeChanges();
  if (changes.size === 0 || control === null) return false;
  const { remote, local, hello } = connection;
  const facts: AssumedFacts = {
    ...(changes.has('remote') && remote.ip !== null
      ? { remote: { address: remote.ip, port: remote.port ?? session.remote.port } }
      : {}),
    ...(changes.has('local') && local.ip != null
      ? { local: { address: local.ip, port: local.port ?? session.local.port } }
      : {}),
    ...(changes.has('hello')
      ? { hello: hello.host ? { verb: hello.verb === 'HELO' ? 'HELO' : 'EHLO', name: hello.host } : null }
      : {}),
  };
  control.assume(facts);
  return changes.has('remote');
}
