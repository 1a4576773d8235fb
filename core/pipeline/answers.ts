import type { Reply } from '../domain/reply.ts';
import type { HookParams } from './hooks.ts';
import type { FirstName } from './pipeline.ts';
import type { Grant, Proceed, Refusal } from './verdict.ts';

/*
 * What a handler may answer is checked where it is not the plain "continue": plugins may be JavaScript, and a verdict
 * that cannot be understood must not pass as one.
 */

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isLine = (value: unknown): boolean => typeof value === 'string' && !/[\r\n\0]/.test(value);
/** The text of a reply: one line, or several. */
const isWords = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 && value.every(isLine) : isLine(value);
const isName = (value: unknown): boolean => typeof value === 'string' && value !== '';

/** True for a reply that can be sent as it is: code, fitting enhanced code, text without line breaks. */
function isReply(value: unknown, lowest: number, highest: number): value is Reply {
  if (!isObject(value)) return false;
  const { code, enhanced, text } = value;
  if (typeof code !== 'number' || !Number.isInteger(code) || code < lowest || code > highest) return false;
  if (enhanced !== null) {
    if (typeof enhanced !== 'string' || !/^[245]\.\d{1,3}\.\d{1,3}$/.test(enhanced)) return false;
    if (Number(enhanced[0]) !== Math.floor(code / 100)) return false;
  }
  return isWords(text);
}

/** True for a refusal whose reply fits its kind: 5yz to reject, 4yz to defer, either to disconnect. */
export function isRefusal(answer: unknown): answer is Refusal {
  if (!isObject(answer)) return false;
  if (answer.do === 'reject') return isReply(answer.reply, 500, 599);
  if (answer.do === 'defer') return isReply(answer.reply, 400, 499);
  return answer.do === 'disconnect' && isReply(answer.reply, 400, 599);
}

/** True for a continuation with words that a reply can carry. */
export const isProceed = (answer: unknown): answer is Proceed =>
  isObject(answer) && answer.do === 'proceed' && isWords(answer.text);

export const isGrant = (answer: unknown): answer is Grant =>
  isObject(answer) &&
  answer.do === 'grant' &&
  (answer.scope === 'relay' || answer.scope === 'local') &&
  (answer.text === undefined || isWords(answer.text));

const outcomes = new Set(['delivered', 'relayed', 'captured', 'discarded', 'deferred', 'bounced', 'postponed', 'held']);

const isMoment = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);

/** True for what may become of a recipient; times have to be numbers, since they are stored. */
const isOutcome = (value: unknown): boolean =>
  isObject(value) &&
  outcomes.has(String(value.do)) &&
  isObject(value.reply) &&
  (value.do !== 'postponed' || isMoment(value.until)) &&
  (value.delay === undefined || isMoment(value.delay));

const isPort = (value: unknown): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 65_536;
const policies = new Set<unknown>(['none', 'opportunistic', 'starttls', 'tls']);
const isNextHop = (value: unknown): boolean =>
  isObject(value) && isName(value.host) && isLine(value.host) && isPort(value.port) && policies.has(value.tls);

/** A way over at least one upstream or next hop. */
const isRoute = ({ upstreams, nextHops = [] }: Record<string, unknown>): boolean =>
  Array.isArray(upstreams) &&
  Array.isArray(nextHops) &&
  upstreams.length + nextHops.length > 0 &&
  upstreams.every(isName) &&
  nextHops.every(isNextHop);

/** For each hook whose first answer decides: is this a value it can be decided with? */
const acceptable: { readonly [K in FirstName]: (value: unknown, params: HookParams<K>) => boolean } = {
  auth: (value) =>
    isObject(value) &&
    isName(value.ownerId) &&
    isName(value.username) &&
    (value.credentialId === null || isName(value.credentialId)),
  command: (value) =>
    isObject(value) &&
    (value.reply === null || isReply(value.reply, 200, 599)) &&
    (value.again === undefined || value.again === 'connect'),
  queue: (value) => {
    if (!isObject(value)) return false;
    if (value.as === 'relayed') return isReply(value.reply, 200, 299);
    return (value.as === 'queued' || value.as === 'discarded') && (value.text === undefined || isLine(value.text));
  },
  route: (value) => isObject(value) && ('outcome' in value ? isOutcome(value.outcome) : isRoute(value)),
  deliver: (value, { job }) =>
    isObject(value) &&
    Array.isArray(value.attempts) &&
    isName(value.phase) &&
    Array.isArray(value.outcomes) &&
    value.outcomes.length === job.recipients.length &&
    value.outcomes.every(isOutcome),
  outcome: (value, { job }) => Array.isArray(value) && value.length === job.recipients.length && value.every(isOutcome),
};

/** True for an acceptance that carries what the hook is asked for. */
export const isAcceptance = <K extends FirstName>(hook: K, answer: unknown, params: HookParams<K>): boolean =>
  isObject(answer) && answer.do === 'accept' && acceptable[hook](answer.value, params);

/** The answer as a log may show it; never its reply's private cause. */
export const describeAnswer = (answer: unknown): string =>
  isObject(answer) && 'do' in answer ? `{ do: ${JSON.stringify(answer.do)}, … }` : typeof answer;
