import type { HarakaFiles } from 'haraka-config';

/** What of `outbound.ini` and `tls.ini` concerns mail that leaves by servers a plugin names. */
export interface OutboundSettings {
  /** False: never TLS, whatever a server offers. */
  readonly enableTls: boolean;
  /** Names and addresses that get no mail without TLS and a certificate of theirs. */
  readonly forceTls: readonly string[];
  /** Names and addresses that are always spoken to in clear. */
  readonly noTls: readonly string[];
  /** What Haraka says in the Received field of mail that it sends; null: it adds none. */
  readonly receivedHeader: string | null;
  /** The name in `me`, used in EHLO; null where the site has none. */
  readonly me: string | null;
}

interface Ini {
  readonly main?: Readonly<Record<string, unknown>>;
  readonly outbound?: Readonly<Record<string, unknown>>;
}

const list = (value: unknown): string[] =>
  value === undefined || value === null || value === '' ? [] : [value].flat().map((item) => String(item).toLowerCase());

/** Reads them anew: the files are kept in memory by `haraka-config`, which watches them. */
export function outboundSettings(files: HarakaFiles): OutboundSettings {
  const outbound = (files.get('outbound.ini', { booleans: ['+enable_tls'] }) as Ini | null)?.main ?? {};
  const tls = files.get('tls.ini') as Ini | null;
  const received = String(outbound.received_header ?? files.get('outbound.received_header') ?? 'Haraka outbound');
  const me = files.get('me');
  return {
    enableTls: outbound.enable_tls !== false,
    forceTls: list(tls?.outbound?.force_tls_hosts ?? tls?.main?.force_tls_hosts),
    noTls: list(tls?.outbound?.no_tls_hosts),
    receivedHeader: received === 'disabled' ? null : received,
    me: typeof me === 'string' && me !== '' ? me : null,
  };
}
