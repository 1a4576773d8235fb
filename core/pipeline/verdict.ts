import type { Reply } from '../domain/reply.ts';

/** A refusal: `reject` is 5yz, `defer` 4yz, `disconnect` sends its reply and closes. */
export type Refusal = { readonly do: 'reject' | 'defer' | 'disconnect'; readonly reply: Reply };

/** Permission to relay to this recipient (heeded only with `may_grant: true` in the configuration); not an acceptance. */
export type Grant = { readonly do: 'grant'; readonly scope: 'relay' | 'local' };

/** The answer of a `first` hook that decides the matter. */
export type Accept<T> = { readonly do: 'accept'; readonly value: T };

/** What a gate may return; nothing means "continue". */
export type GateResult = Refusal | undefined | void;
export type RcptResult = Refusal | Grant | undefined | void;
export type FirstResult<T> = Accept<T> | Refusal | undefined | void;

const refusal =
  (kind: Refusal['do'], lowest: number, highest: number) =>
  (reply: Reply): Refusal => {
    if (reply.code < lowest || reply.code > highest)
      throw new RangeError(`${kind} cannot send reply code ${reply.code}`);
    return { do: kind, reply };
  };

/** Refuses for good; the reply is 5yz. */
export const reject = refusal('reject', 500, 599);
/** Refuses for now; the reply is 4yz. */
export const defer = refusal('defer', 400, 499);
/** Sends the reply, 4yz or 5yz, and closes the connection. */
export const disconnect = refusal('disconnect', 400, 599);
export const accept = <T>(value: T): Accept<T> => ({ do: 'accept', value });
export const grant = (scope: Grant['scope']): Grant => ({ do: 'grant', scope });
