import type { Delivery, DeliveryJob, RecipientOutcome } from '../../../core/domain/delivery.ts';
import type { RecipientRecord } from '../../../core/domain/message.ts';
import { accept, type Hooks, reply } from '../../../core/pipeline/plugin.ts';
import type { HMail, OutboundRecipient } from './hmail.ts';
import type { HMails } from './hmails.ts';
import type { Delays } from './route-hook.ts';
import { attemptFor, type SpokenTo, spokenTo } from './spoken-to.ts';
import { noteReply, reasonOf } from './told-recipients.ts';
import type { WorkerParts } from './worker-parts.ts';

/** Recipients of one domain that came to the same end, bounced or to be tried again. */
interface Group {
  readonly hmail: HMail;
  readonly end: 'bounce' | 'deferred';
  readonly positions: number[];
  readonly recipients: OutboundRecipient[];
  readonly outcome: RecipientOutcome;
  readonly after: RecipientRecord;
  readonly remote: SpokenTo | null;
}

/** An error with what Haraka puts on it. */
type BounceError = Error & {
  mx?: object | undefined;
  deferred_rcpt?: readonly OutboundRecipient[] | undefined;
  bounced_rcpt?: readonly OutboundRecipient[] | undefined;
};

/** What plugins make of the outcomes of a group. */
type Change = (own: RecipientOutcome) => RecipientOutcome;

const drop: Change = () => ({ do: 'discarded', reply: reply(250, '2.0.0', 'dropped by a plugin') });
const keepSilent: Change = (own) =>
  own.do === 'bounced' || own.do === 'deferred' || own.do === 'postponed' ? { ...own, report: false } : own;
const wait =
  (milliseconds: number, now: number): Change =>
  (own) => {
    if (own.do === 'postponed') return { ...own, until: now + milliseconds, firm: true };
    return own.do === 'deferred' ? { ...own, delay: milliseconds } : own;
  };

/**
 * `bounce` and `deferred`, before what came of a delivery is stored. `bounce`: whatever is not CONT keeps the report back.
 * `deferred`: DENYSOFT sets the seconds until the next try, whatever else is not CONT drops the recipients.
 */
export const outcomeHook =
  (parts: WorkerParts, hmails: HMails, delays: Delays): Hooks['outcome'] =>
  async ({ job, delivery, recipients }) => {
    const outcomes: RecipientOutcome[] = [...delivery.outcomes];
    let changed = false;
    for (const group of groups(job, delivery, recipients, hmails, delays)) {
      const change = await judge(group, job, parts);
      if (change === null) continue;
      changed = true;
      for (const position of group.positions) {
        const own = outcomes[position];
        if (own !== undefined) outcomes[position] = change(own);
      }
    }
    return changed ? accept(outcomes) : undefined;
  };

function groups(
  job: DeliveryJob,
  { outcomes, attempts }: Delivery,
  recipients: readonly RecipientRecord[],
  hmails: HMails,
  delays: Delays,
): Iterable<Group> {
  const found = new Map<string, Group>();
  for (const [position, index] of job.recipients.entries()) {
    const [outcome, after] = [outcomes[position], recipients[position]];
    if (outcome === undefined || after === undefined || delays.has(outcome)) continue;
    const ended = after.state === 'bounced' || after.state === 'expired';
    if (!ended && after.state !== 'deferred') continue;
    const end = ended ? 'bounce' : 'deferred';
    const { hmail, recipient } = hmails.of(job.record, index);
    const attempt = attemptFor(attempts, after.address);
    const remote = attempt === null ? null : spokenTo(job, attempt);
    noteReply(recipient, outcome.reply, remote?.host ?? null, ended);
    const key = JSON.stringify([hmail.todo.domain, after.state]);
    const group = found.get(key);
    if (group === undefined) {
      found.set(key, {
        hmail,
        end,
        positions: [position],
        recipients: [recipient],
        outcome,
        after,
        remote,
      });
    } else {
      group.positions.push(position);
      group.recipients.push(recipient);
    }
  }
  return found.values();
}

/** Null where the outcomes stay as they are. A plugin that fails changes nothing: mail is not lost for that. */
async function judge(group: Group, job: DeliveryJob, parts: WorkerParts): Promise<Change | null> {
  const hmail = group.hmail.for(group.recipients, job.record);
  hmail.num_failures = group.after.attempts;
  try {
    return group.end === 'bounce' ? await bounced(group, hmail, parts) : await deferred(group, hmail, parts);
  } catch (error) {
    parts.log.error({ err: error, id: job.record.id, hook: group.end }, 'a Haraka plugin failed; the outcome stays');
    return null;
  }
}

async function bounced(group: Group, hmail: HMail, { runner, libraries }: WorkerParts): Promise<Change | null> {
  const { outcome, recipients, remote, after } = group;
  const reason = reasonOf(outcome.reply);
  const error: BounceError = new Error(after.state === 'expired' ? `Too many failures (${reason})` : reason);
  if (remote !== null) error.mx = mxOf(remote);
  if (isInPart(group)) error.bounced_rcpt = recipients;
  hmail.bounce_error = error;
  const { code } = await runner.run('bounce', hmail, error);
  if (code === libraries.constants.cont) return null;
  hmail.loginfo('a plugin answered `bounce`: no report is sent');
  return keepSilent;
}

async function deferred(group: Group, hmail: HMail, parts: WorkerParts): Promise<Change | null> {
  const { runner, libraries, clock } = parts;
  const { constants } = libraries;
  const { outcome, after, remote, recipients } = group;
  const now = clock.now();
  const { code, message } = await runner.run('deferred', hmail, {
    delay: Math.max(0, Math.round(((after.nextAt ?? now) - now) / 1_000)),
    err: reasonOf(outcome.reply),
    ...(remote !== null && isInPart(group) ? { fail_recips: recipients, mx: mxOf(remote) } : {}),
  });
  if (code === constants.cont) return null;
  if (code !== constants.denysoft) return drop;
  const seconds = Number.parseInt(String(message), 10);
  return Number.isNaN(seconds) ? null : wait(seconds * 1_000, now);
}

/** True where the server answered for some of a domain's recipients, and otherwise for others. */
const isInPart = ({ remote, recipients, hmail }: Group): boolean =>
  remote !== null && recipients.length < hmail.todo.rcpt_to.length;

/** The server as Haraka describes one; without the login. */
const mxOf = ({ host, port, mode }: SpokenTo): object => ({
  priority: 0,
  exchange: host,
  port,
  ...(mode === 'LMTP' ? { using_lmtp: true } : {}),
});
