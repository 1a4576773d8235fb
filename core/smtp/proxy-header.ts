import { canonicalAddress } from '../domain/ip-network.ts';

/** The connection as the proxy saw it. */
export interface ProxiedConnection {
  readonly source: { readonly address: string; readonly port: number };
  readonly destination: { readonly address: string; readonly port: number };
}

/** `done.length` octets belong to the header; `connection` is null where the proxy speaks for itself (LOCAL, UNKNOWN). */
export type ProxyHeader =
  | { readonly status: 'incomplete' }
  | { readonly status: 'invalid' }
  | { readonly status: 'done'; readonly length: number; readonly connection: ProxiedConnection | null };

const incomplete: ProxyHeader = { status: 'incomplete' };
const invalid: ProxyHeader = { status: 'invalid' };

const signature2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const prefix1 = Buffer.from('PROXY ', 'latin1');
/** Longest line of version 1, CR LF included. */
const longest1 = 107;
/** Addresses and type-length-values of version 2; real ones are a tenth of this. */
const longest2 = 4_096;

/** Octets that need to be read at most before a header is done or invalid. */
export const longestProxyHeader = signature2.length + 4 + longest2;

/**
 * Reads a header of the PROXY protocol, version 1 or 2, from the start of what a listed peer sent.
 * https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsLike(bytes, signature2)) return bytes.length < signature2.length + 4 ? incomplete : readVersion2(bytes);
  if (startsLike(bytes, prefix1)) return readVersion1(bytes);
  return invalid;
}

function startsLike(bytes: Buffer, expected: Buffer): boolean {
  const length = Math.min(bytes.length, expected.length);
  return bytes.compare(expected, 0, length, 0, length) === 0;
}

function readVersion1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, longest1).indexOf('\r\n');
  if (end === -1) return bytes.length >= longest1 ? invalid : incomplete;
  const [, family, source, destination, sourcePort, destinationPort, ...rest] = bytes
    .toString('latin1', 0, end)
    .split(' ');
  const length = end + 2;
  if (family === 'UNKNOWN') return { status: 'done', length, connection: null };
  if ((family !== 'TCP4' && family !== 'TCP6') || rest.length > 0) return invalid;
  return connectionOf(length, source, sourcePort, destination, destinationPort, family === 'TCP4' ? '.' : ':');
}

function readVersion2(bytes: Buffer): ProxyHeader {
  const versionAndCommand = bytes[12] ?? 0;
  const family = (bytes[13] ?? 0) >> 4;
  const length = signature2.length + 4 + bytes.readUInt16BE(14);
  if (versionAndCommand >> 4 !== 2 || length > longestProxyHeader) return invalid;
  if (bytes.length < length) return incomplete;
  const command = versionAndCommand & 0x0f;
  if (command === 0) return { status: 'done', length, connection: null };
  if (command !== 1) return invalid;
  const octets = family === 1 ? 4 : family === 2 ? 16 : 0;
  if (octets === 0) return { status: 'done', length, connection: null };
  const ports = 16 + octets * 2;
  if (length < ports + 4) return invalid;
  return connectionOf(
    length,
    addressText(bytes.subarray(16, 16 + octets)),
    String(bytes.readUInt16BE(ports)),
    addressText(bytes.subarray(16 + octets, ports)),
    String(bytes.readUInt16BE(ports + 2)),
  );
}

function addressText(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.');
  const groups: string[] = [];
  for (let i = 0; i < octets.length; i += 2) groups.push(octets.readUInt16BE(i).toString(16));
  return groups.join(':');
}

function connectionOf(
  length: number,
  sourceText = '',
  sourcePort = '',
  destinationText = '',
  destinationPort = '',
  separator = '',
): ProxyHeader {
  const source = canonicalAddress(sourceText);
  const destination = canonicalAddress(destinationText);
  if (source === null || destination === null) return invalid;
  if (!sourceText.includes(separator) || !destinationText.includes(separator)) return invalid;
  if (!isPort(sourcePort) || !isPort(destinationPort)) return invalid;
  return {
    status: 'done',
    length,
    connection: {
      source: { address: source, port: Number(sourcePort) },
      destination: { address: destination, port: Number(destinationPort) },
    },
  };
}

const isPort = (text: string): boolean => /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
