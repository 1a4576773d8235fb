import { lookup as lookUp } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import type { NetworkSet } from '../domain/ip-network.ts';
import { isPublicAddress } from '../domain/public-address.ts';

/** Answers every address of a name. */
export type Resolve = (hostname: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;
export const systemResolve: Resolve = (hostname) => lookUp(hostname, { all: true });

/** Where a webhook may not go, or could not be found; the text may be shown to its owner. */
export class DestinationRefused extends Error {
  override readonly name = 'DestinationRefused';
}

const exceptions = 'api.webhooks.allow_networks names exceptions';

/** Ports of other services are no place for requests that somebody else composes. */
const isWebPort = (port: number): boolean => port === 80 || port === 443 || port >= 1_024;

/** What is wrong with an address that a webhook shall go to, as far as it can be told without looking up its name. */
export function destinationProblem(text: string, allowed: NetworkSet): string | null {
  const url = URL.parse(text);
  if (url === null) return 'expected a URL such as https://hooks.example/sluice';
  const secure = url.protocol === 'https:';
  if (!secure && url.protocol !== 'http:') return 'expected a URL that begins with https://';
  if (!secure && allowed.size === 0)
    return 'expected https://; plain http goes to networks of api.webhooks.allow_networks';
  if (url.username !== '' || url.password !== '') return 'has a username or password, which would be sent in clear';
  if (!isWebPort(Number(url.port || (secure ? 443 : 80)))) return 'names a port that is 80, 443 or from 1024 on';
  const host = hostOf(url);
  if (isIP(host) !== 0 && !isAllowed(host, secure, allowed)) return `is not public; ${exceptions}`;
  return null;
}

/** Host without the brackets of IPv6. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1');

export const isAllowed = (address: string, secure: boolean, allowed: NetworkSet): boolean =>
  allowed.contains(address) || (secure && isPublicAddress(address));

/**
 * A name is looked up once a connection, and the connection goes to an address that was looked at: whoever answers
 * another one a moment later (DNS rebinding) has won nothing.
 */
export const guardedLookup =
  (resolve: Resolve, secure: boolean, allowed: NetworkSet): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname).then(
      (found) => {
        const good = found.filter(({ address }) => isAllowed(address, secure, allowed));
        const [first] = good;
        if (first === undefined) {
          callback(new DestinationRefused(`the name leads to no address that is public; ${exceptions}`), '', 0);
        } else if (options.all === true) callback(null, [...good]);
        else callback(null, first.address, first.family);
      },
      () => callback(new DestinationRefused('the name cannot be looked up'), '', 0),
    );
  };
