import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { type PeerCertificate, TLSSocket } from 'node:tls';
import type { ConnectionTest, TlsFacts } from '../../core/domain/connection-test.ts';
import { NetworkSet } from '../../core/domain/ip-network.ts';
import type { Phase } from '../../core/domain/message.ts';
import { unreachableNetworks } from '../../core/domain/unreachable-networks.ts';
import { connectionOptions } from './connection-options.ts';
import { SessionError } from './session-error.ts';
import { monotonic, UpstreamConnection } from './upstream-connection.ts';
import type { SmtpSettings } from './upstream-settings.ts';

export interface ConnectionTestRequest {
  readonly settings: SmtpSettings;
  /** Only addresses in these are spoken to; null: any. Never those of `unreachableNetworks`. */
  readonly networks: readonly string[] | null;
}

/** Whatever the settings say, nobody waits longer than this, in milliseconds. */
const longest = 20_000;
/** A name with many addresses is tried at this many of them. */
const mostAddresses = 4;

/** Looked up once, so that what was checked is what is spoken to. */
async function addressesOf(host: string, networks: readonly string[] | null): Promise<readonly string[]> {
  const found = isIP(host) === 0 ? (await lookup(host, { all: true })).map(({ address }) => address) : [host];
  const wanted = networks === null ? null : new NetworkSet(networks);
  const allowed = found.filter(
    (one) => !unreachableNetworks.contains(one) && (wanted === null || wanted.contains(one)),
  );
  if (allowed.length === 0) throw new Error(`${host} leads to no address that may be spoken to`);
  return allowed.slice(0, mostAddresses);
}

/** What `work` answers, unless it is too late for it. */
async function before<T>(end: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('no answer in time')), Math.max(0, end - monotonic()));
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

const oneLine = (text: string): string =>
  text
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, 500);

const nameIn = (part: { readonly CN?: string | string[]; readonly O?: string | string[] } | undefined) => {
  const name = part?.CN ?? part?.O ?? null;
  return name === null ? null : oneLine(String(name));
};

function tlsFacts(socket: unknown): TlsFacts | null {
  const protocol = socket instanceof TLSSocket ? socket.getProtocol() : null;
  if (!(socket instanceof TLSSocket) || protocol === null) return null;
  const certificate: Partial<PeerCertificate> = socket.getPeerCertificate();
  const until = Date.parse(certificate.valid_to ?? '');
  return {
    protocol,
    cipher: socket.getCipher().standardName,
    trusted: socket.authorized,
    subject: nameIn(certificate.subject),
    issuer: nameIn(certificate.issuer),
    validUntil: Number.isNaN(until) ? null : until,
  };
}

/** Remembers what TLS was like: a session that fails afterwards has no socket left to ask. */
class WatchedConnection extends UpstreamConnection {
  tls: TlsFacts | null = null;

  override _sendCommand(line: string, logged?: string): void {
    this.tls ??= tlsFacts(this._socket);
    super._sendCommand(line, logged);
  }
}

async function tryAddress(
  { settings }: ConnectionTestRequest,
  address: string,
  hostname: string,
  end: number,
): Promise<Omit<ConnectionTest, 'milliseconds'>> {
  const serverName = settings.serverName ?? (isIP(settings.host) === 0 ? settings.host : null);
  const options = connectionOptions({ ...settings, host: address, serverName }, hostname);
  const connection = new WatchedConnection(options, settings.timeouts, settings.login);
  const deadline = setTimeout(() => connection.abandon('no answer in time'), Math.max(0, end - monotonic()));
  let error: string | null = null;
  let phase: Phase = 'done';
  try {
    await connection.open();
  } catch (failure) {
    error = oneLine(failure instanceof Error ? failure.message : String(failure));
    phase = failure instanceof SessionError ? failure.phase : connection.phase;
  } finally {
    clearTimeout(deadline);
  }
  const { capabilities, lastServerResponse } = connection;
  const found = {
    ok: error === null,
    phase,
    address: connection.peer ?? `${address}:${settings.port}`,
    tls: connection.tls,
    capabilities: [...capabilities].map(([keyword, parameters]) => oneLine(`${keyword} ${parameters}`)),
    reply: typeof lastServerResponse === 'string' && lastServerResponse !== '' ? oneLine(lastServerResponse) : null,
    error,
  };
  connection.leave();
  return found;
}

/**
 * Connects as mail would be, with TLS and login, as far as ready for MAIL, and takes leave. Never rejects, and answers
 * within `timeouts.connect`, or 20 s where that is longer.
 */
export async function testConnection(request: ConnectionTestRequest, hostname: string): Promise<ConnectionTest> {
  const { settings, networks } = request;
  const started = monotonic();
  const end = started + Math.min(settings.timeouts.connect, longest);
  let found: Omit<ConnectionTest, 'milliseconds'> = {
    ok: false,
    phase: 'connect',
    address: null,
    tls: null,
    capabilities: [],
    reply: null,
    error: `${settings.host} has no address`,
  };
  try {
    for (const address of await before(end, addressesOf(settings.host, networks))) {
      found = await tryAddress(request, address, hostname, end);
      if (found.phase !== 'connect' || monotonic() >= end) break;
    }
  } catch (error) {
    found = { ...found, error: oneLine(error instanceof Error ? error.message : String(error)) };
  }
  return { ...found, milliseconds: Math.round(monotonic() - started) };
}
