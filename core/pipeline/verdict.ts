import type { Reply } from '../domain/reply.ts';

/** A refusal: `reject` is 5yz, `defer` 4yz, `disconnect` sends its reply and closes. */
export type Refusal = { readonly do: 'reject' | 'defer' | 'disconnect'; readonly reply: Reply };

/** What a reply says behind its code; several lines make a reply of several lines, none holds a line break. */
export type Words = string | readonly string[];

/** Goes on; where nobody refuses, the positive reply says these words. Those of the first plugin that gave some. */
export type Proceed = { readonly do: 'proceed'; readonly text: Words };

/**
 * Permission to relay to this recipient (heeded only with `may_grant: true` in the configuration); not an acceptance.
 * `text` is heeded in any case, as that of `Proceed`.
 */
export type Grant = { readonly do: 'grant'; readonly scope: 'relay' | 'local'; readonly text?: Words };

/** The answer of a `first` hook that decides the matter. */
export type Accept<T> = { readonly do: 'accept'; readonly value: T };

/** What a gate may return; nothing means "continue". */
export type GateResult = Refusal | Proceed | undefined | void;
export type RcptResult = GateResult | Grant;
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
/**
 * Continues with words of its own for the positive reply to `connect`, `mailFrom` or `rcptTo`. An enhanced code at the
 * beginning of the text (`2.1.5 I know him`) takes the place of core's.
 */
export const proceed = (text: Words): Proceed => ({ do: 'proceed', text });
export const grant = (scope: Grant['scope'], text?: Words): Grant =>
  text === undefined ? { do: 'grant', scope } : { do: 'grant', scope, text };
