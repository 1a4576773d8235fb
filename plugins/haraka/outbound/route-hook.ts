import type { RecipientOutcome, Routing } from '../../../core/domain/delivery.ts';
import type { MessageRecord } from '../../../core/domain/message.ts';
import { accept, defer, type Hooks, reject, reply } from '../../../core/pipeline/plugin.ts';
import type { FirstResult } from '../../../core/pipeline/verdict.ts';
import { nextHopsOf } from './haraka-mx.ts';
import type { HMail } from './hmail.ts';
import type { HMails } from './hmails.ts';
import { outboundSettings } from './outbound-settings.ts';
import type { WorkerParts } from './worker-parts.ts';

type Answer = FirstResult<Routing>;

/** Outcomes by which a plugin put mail off before it was tried: of these Haraka tells no `deferred` hook. */
export type Delays = WeakSet<RecipientOutcome>;

/** What a plugin that gives no delay gets, in seconds. */
const shortestDelay = 1;

/**
 * `send_email`, then `get_mx`, once for each domain among the due recipients of a message, as Haraka runs them for a mail
 * of its queue. All recipients of a domain share the answer; CONT leaves them to the next `route` of the pipeline.
 */
export function routeHook(parts: WorkerParts, hmails: HMails, delays: Delays): Hooks['route'] {
  const decided = new WeakMap<HMail, Promise<Answer>>();
  return ({ record, recipient }) => {
    const { hmail } = hmails.of(record, recipient);
    let answer = decided.get(hmail);
    if (answer === undefined) {
      // The other due recipients are asked for in this turn: plugins shall see them all in `rcpt_to`.
      answer = Promise.resolve().then(() => decide(hmail, record, parts, delays));
      decided.set(hmail, answer);
    }
    return answer;
  };
}

async function decide(hmail: HMail, record: MessageRecord, parts: WorkerParts, delays: Delays): Promise<Answer> {
  const { runner, libraries, clock } = parts;
  const { constants } = libraries;
  const sending = await runner.run('send_email', hmail);
  if (sending.code === constants.delay) {
    const seconds = Math.max(shortestDelay, Number.parseInt(String(sending.message), 10) || 0);
    const text = `put off for ${seconds} seconds by ${sending.plugin ?? 'a plugin'}`;
    const until = clock.now() + seconds * 1_000;
    const outcome: RecipientOutcome = { do: 'postponed', reply: reply(451, '4.7.0', text), until, firm: true };
    delays.add(outcome);
    return accept({ outcome });
  }
  const { domain } = hmail.todo;
  const { code, message, plugin } = await runner.run('get_mx', hmail, domain);
  const cause = `Haraka plugin ${plugin}: ${String(message)}`;
  if (code === constants.deny) return reject(reply(550, '5.1.2', `No MX for ${domain}`, cause));
  if (code === constants.denysoft) {
    return defer(reply(450, '4.1.2', `Temporary MX lookup error for ${domain}`, cause));
  }
  if (code !== constants.ok) return undefined;
  const context = { domain, notes: hmail.todo.notes };
  const nextHops = nextHopsOf(await message, context, outboundSettings(parts.files), libraries);
  if (nextHops === 'null-mx') {
    // RFC 7505 §4.2.
    return reject(reply(556, '5.1.10', `Domain ${domain} sends and receives no email (NULL MX)`));
  }
  if (nextHops.length === 0) return defer(reply(450, '4.1.2', 'Tried all MXs'));
  hmail.logdebug({ 'MX from plugin': plugin, domain, id: record.id });
  return accept({ nextHops, upstreams: [] });
}
