import type { Hooks } from '../../../core/pipeline/plugin.ts';
import type { HMail, OutboundRecipient } from './hmail.ts';
import type { HMails } from './hmails.ts';
import { attemptFor, type SpokenTo, spokenTo } from './spoken-to.ts';
import { responseText } from './told-recipients.ts';
import type { WorkerParts } from './worker-parts.ts';

interface Told {
  readonly hmail: HMail;
  readonly remote: SpokenTo;
  readonly response: string;
  readonly recipients: OutboundRecipient[];
}

const sent = new Set(['delivered', 'relayed', 'captured']);

/** `delivered`, once a domain's recipients are recorded as sent; its answer is of no consequence, as in Haraka. */
export const deliveredHook =
  ({ runner, clock }: WorkerParts, hmails: HMails): Hooks['delivered'] =>
  async ({ job, delivery }) => {
    const told = new Map<string, Told>();
    for (const [position, index] of job.recipients.entries()) {
      const outcome = delivery.outcomes[position];
      const stored = job.record.recipients[index];
      if (outcome === undefined || stored === undefined || !sent.has(outcome.do)) continue;
      const attempt = attemptFor(delivery.attempts, stored.address);
      if (attempt === null) continue;
      const { hmail, recipient } = hmails.of(job.record, index);
      const key = JSON.stringify([hmail.todo.domain, attempt.upstream]);
      const one = told.get(key);
      if (one !== undefined) one.recipients.push(recipient);
      else {
        const remote = spokenTo(job, attempt);
        told.set(key, { hmail, remote, response: responseText(outcome.reply), recipients: [recipient] });
      }
    }
    for (const { hmail, remote, response, recipients } of told.values()) {
      const { host, ip, port, mode, secured, authenticated } = remote;
      const delay = (clock.now() - hmail.todo.queue_time) / 1_000;
      await runner.run('delivered', hmail, [host, ip, response, delay, port, mode, recipients, secured, authenticated]);
    }
  };
