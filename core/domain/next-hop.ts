/**
 * `none`: in clear. `opportunistic`: STARTTLS where it is offered, with any certificate (RFC 7435). `starttls` and `tls`
 * (from the first octet) go on only with a certificate that bears the host's name.
 */
export type NextHopTls = 'none' | 'opportunistic' | 'starttls' | 'tls';

/** A server that a plugin sends mail to and no configuration lists. */
export interface NextHop {
  /** Name or address, without brackets; of a socket only what TLS expects its certificate to bear. */
  readonly host: string;
  readonly port: number;
  /** Path of a Unix socket, in place of host and port. */
  readonly path?: string;
  /** LMTP (RFC 2033): one reply a recipient behind the final dot. */
  readonly lmtp?: boolean;
  readonly tls: NextHopTls;
  /** Never skipped: a server without AUTH is not used. */
  readonly login?: { readonly username: string; readonly password: string; readonly method?: string };
  /** Address to connect from. */
  readonly localAddress?: string;
  /** Name in EHLO; default that of the relay. */
  readonly ehloName?: string;
}

/** What attempts and the log call it: `mx.example:25`, `[2001:db8::1]:25`, `unix:/run/lmtp`. */
export function nextHopName({ host, port, path }: NextHop): string {
  if (path !== undefined) return `unix:${path}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Equal for next hops that may share connections: all that a session depends on. */
export const nextHopKey = (hop: NextHop): string =>
  JSON.stringify([
    hop.path ?? null,
    hop.host,
    hop.port,
    hop.lmtp === true,
    hop.tls,
    hop.login?.username ?? null,
    hop.login?.password ?? null,
    hop.login?.method ?? null,
    hop.localAddress ?? null,
    hop.ehloName ?? null,
  ]);
