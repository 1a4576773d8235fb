import { type UpstreamConfig, upstreamSchema } from '../../core/config/upstream-schema.ts';
import { type NextHop, type NextHopTls, nextHopName } from '../../core/domain/next-hop.ts';
import type { DeliveryConfig } from './config.ts';

/** An upstream with every default settled. Times in milliseconds. */
export type UpstreamSettings = CaptureSettings | SmtpSettings;

interface Routing {
  readonly name: string;
  readonly recipientDomains: readonly string[];
  readonly senderDomains: readonly string[];
}

export interface CaptureSettings extends Routing {
  readonly type: 'capture';
}

/** `method`: the only SASL mechanism to be used, where it matters. */
export interface Login {
  readonly username: string;
  readonly password: string;
  readonly method?: string;
}

export interface SmtpSettings extends Routing {
  readonly type: 'smtp';
  readonly host: string;
  readonly port: number;
  /** A Unix socket, in place of host and port. */
  readonly path: string | null;
  readonly lmtp: boolean;
  /** `opportunistic` is for next hops only. */
  readonly tls: NextHopTls;
  readonly verify: boolean;
  /** Path of a PEM file, or null for the public authorities. */
  readonly authorities: string | null;
  readonly serverName: string | null;
  readonly minimumVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly login: Login | null;
  readonly ehloName: string | null;
  readonly localAddress: string | null;
  readonly connections: number;
  readonly messagesPerConnection: number;
  readonly idle: number;
  readonly timeouts: UpstreamConfig['timeouts'];
  readonly breaker: UpstreamConfig['breaker'];
}

/** The upstreams in the order of fail-over; a capture box where none is configured. */
export function upstreamSettings(config: DeliveryConfig): UpstreamSettings[] {
  const upstreams = config.upstreams.length > 0 ? config.upstreams : [upstreamSchema.parse({ name: 'default' })];
  return upstreams.map(settle);
}

function settle(upstream: UpstreamConfig): UpstreamSettings {
  const routing: Routing = {
    name: upstream.name,
    recipientDomains: upstream.recipient_domains,
    senderDomains: upstream.sender_domains,
  };
  if (upstream.host === undefined || upstream.type === 'capture') return { ...routing, type: 'capture' };
  const login =
    upstream.username === undefined || upstream.password === undefined
      ? null
      : { username: upstream.username, password: upstream.password };
  const tls = upstream.tls ?? (upstream.port === 465 ? 'tls' : login === null ? 'none' : 'starttls');
  return {
    ...routing,
    type: 'smtp',
    host: upstream.host,
    port: upstream.port ?? (tls === 'tls' ? 465 : login === null ? 25 : 587),
    path: null,
    lmtp: false,
    tls,
    verify: upstream.tls_verify,
    authorities: upstream.tls_ca ?? null,
    serverName: upstream.tls_server_name ?? null,
    minimumVersion: upstream.tls_minimum_version,
    login,
    ehloName: upstream.ehlo_name ?? null,
    localAddress: upstream.local_address ?? null,
    connections: upstream.connections,
    messagesPerConnection: upstream.messages_per_connection,
    idle: upstream.idle,
    timeouts: upstream.timeouts,
    breaker: upstream.breaker,
  };
}

/** What a plugin does not say of a next hop. */
export const nextHopDefaults = upstreamSchema.parse({ name: 'next-hop' });

/** A next hop of a route with the defaults of an upstream. */
export const nextHopSettings = (hop: NextHop): SmtpSettings => ({
  name: nextHopName(hop),
  recipientDomains: [],
  senderDomains: [],
  type: 'smtp',
  host: hop.host,
  port: hop.port,
  path: hop.path ?? null,
  lmtp: hop.lmtp === true,
  tls: hop.tls,
  // RFC 7435: whoever takes what is offered has nothing to check it against.
  verify: hop.tls !== 'opportunistic',
  authorities: null,
  serverName: null,
  minimumVersion: nextHopDefaults.tls_minimum_version,
  login: hop.login ?? null,
  ehloName: hop.ehloName ?? null,
  localAddress: hop.localAddress ?? null,
  connections: nextHopDefaults.connections,
  messagesPerConnection: nextHopDefaults.messages_per_connection,
  idle: nextHopDefaults.idle,
  timeouts: nextHopDefaults.timeouts,
  breaker: nextHopDefaults.breaker,
});
