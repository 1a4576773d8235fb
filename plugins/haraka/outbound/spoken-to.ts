import type { DeliveryJob } from '../../../core/domain/delivery.ts';
import type { Attempt } from '../../../core/domain/message.ts';
import { type NextHop, nextHopName } from '../../../core/domain/next-hop.ts';

/** The server of an attempt, as Haraka's hooks are told of it. */
export interface SpokenTo {
  /** Name of the server; of a configured upstream its name there. */
  readonly host: string;
  readonly ip: string | null;
  readonly port: number;
  readonly mode: 'SMTP' | 'LMTP';
  readonly secured: boolean;
  /** True where a plugin gave a login; of configured upstreams it is not known here. */
  readonly authenticated: boolean;
  /** The next hop that a plugin named, or null. */
  readonly hop: NextHop | null;
}

/** The last attempt in which this recipient took part. */
export const attemptFor = (attempts: readonly Attempt[], address: string): Attempt | null =>
  attempts.findLast(({ results }) => results.some(({ recipient }) => recipient === address)) ?? null;

export function spokenTo({ route }: DeliveryJob, attempt: Attempt): SpokenTo {
  const hop = route.nextHops?.find((each) => nextHopName(each) === attempt.upstream) ?? null;
  const address = /^\[?(.+?)\]?:(\d+)$/.exec(attempt.host ?? '');
  return {
    host: hop === null ? attempt.upstream : (hop.path ?? hop.host),
    ip: hop?.path ?? address?.[1] ?? null,
    port: Number(address?.[2] ?? hop?.port ?? 0),
    mode: hop?.lmtp === true ? 'LMTP' : 'SMTP',
    secured: attempt.tls !== null,
    authenticated: hop?.login !== undefined,
    hop,
  };
}
