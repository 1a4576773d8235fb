import type { NextHop, NextHopTls } from '../../../core/domain/next-hop.ts';
import type { Libraries } from '../libraries.ts';
import type { OutboundSettings } from './outbound-settings.ts';

/** What `HarakaMx` of `haraka-net-utils` makes of a plugin's answer. */
interface HarakaMx {
  readonly exchange?: string;
  readonly path?: string;
  readonly priority: number;
  readonly port?: unknown;
  readonly bind?: string;
  readonly using_lmtp?: boolean;
  readonly auth_user?: string;
  readonly auth_pass?: string;
  readonly auth_type?: string;
  readonly from_dns?: string;
}

/** Members of the library that its declarations here leave out. */
interface MxLibrary {
  readonly HarakaMx: new (answer: unknown) => HarakaMx;
  ip_in_list(list: readonly string[], name: string): boolean;
}

/** Where the mail of a domain goes, and notes of the mail that have a say in it. */
export interface MxContext {
  readonly domain: string;
  readonly notes: { readonly [name: string]: unknown };
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/**
 * The next hops that an answer to `get_mx` means: a name, a URL, an object, or a list of these, which is tried as it stands.
 * `null-mx` where it says that the domain takes no mail (RFC 7505). Throws where it is nothing that can be sent to.
 */
export function nextHopsOf(
  answer: unknown,
  context: MxContext,
  settings: OutboundSettings,
  libraries: Libraries,
): readonly NextHop[] | 'null-mx' {
  const network = libraries.network as Libraries['network'] & MxLibrary;
  const answers: readonly unknown[] = Array.isArray(answer) ? answer : [answer];
  const exchanges = answers.map((one) => ({ mx: new network.HarakaMx(one), helo: ownHelo(one) }));
  const [only] = exchanges;
  if (only !== undefined && exchanges.length === 1 && only.mx.priority === 0 && only.mx.exchange === '')
    return 'null-mx';
  return exchanges.map(({ mx, helo }) => nextHop(mx, helo, context, settings, network));
}

/** The name the plugin gave: the library fills in another where it gave none. */
const ownHelo = (answer: unknown): string | undefined =>
  typeof answer === 'object' && answer !== null && 'bind_helo' in answer ? text(answer.bind_helo) : undefined;

function nextHop(
  mx: HarakaMx,
  helo: string | undefined,
  { domain, notes }: MxContext,
  settings: OutboundSettings,
  network: MxLibrary,
): NextHop {
  const path = text(mx.path);
  const host =
    text(mx.exchange)
      ?.replace(/^\[(.*)\]$/, '$1')
      .replace(/\.$/, '') ?? (path === undefined ? '' : 'localhost');
  if (host === '') throw new TypeError(`an answer to get_mx for ${domain} names no server`);
  const lmtp = mx.using_lmtp === true;
  const localAddress = text(mx.bind) ?? text(notes.outbound_ip);
  const ehloName = text(notes.outbound_helo) ?? helo ?? settings.me ?? undefined;
  const [username, password, method] = [text(mx.auth_user), text(mx.auth_pass), text(mx.auth_type)];
  const names = [host, text(mx.from_dns), domain].filter((name) => name !== undefined);
  return {
    host,
    port: path === undefined ? Number(mx.port) || (lmtp ? 24 : 25) : 0,
    tls: tlsPolicy(names, settings, network),
    ...(path === undefined ? {} : { path }),
    ...(lmtp ? { lmtp } : {}),
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(ehloName === undefined ? {} : { ehloName }),
    ...(username === undefined || password === undefined
      ? {}
      : { login: { username, password, ...(method === undefined ? {} : { method: method.toUpperCase() }) } }),
  };
}

/** Haraka's rules: forced where a list says so, else taken where it is offered, with any certificate. */
function tlsPolicy(
  names: readonly string[],
  { enableTls, forceTls, noTls }: OutboundSettings,
  network: MxLibrary,
): NextHopTls {
  const isIn = (hosts: readonly string[]) => names.some((name) => network.ip_in_list(hosts, name.toLowerCase()));
  if (isIn(forceTls)) return 'starttls';
  return enableTls && !isIn(noTls) ? 'opportunistic' : 'none';
}
