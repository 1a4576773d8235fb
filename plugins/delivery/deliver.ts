import type { Clock } from '../../core/domain/clock.ts';
import type { Delivery, DeliveryJob, RecipientOutcome, Route } from '../../core/domain/delivery.ts';
import type { Attempt, Phase } from '../../core/domain/message.ts';
import { nextHopName } from '../../core/domain/next-hop.ts';
import { reply } from '../../core/domain/reply.ts';
import type { Message } from '../../core/pipeline/session.ts';
import { attempt } from './attempt.ts';
import type { NextHops } from './next-hops.ts';
import { type OutgoingMessage, outgoingMessage } from './outgoing-message.ts';
import type { SmtpUpstream } from './smtp-upstream.ts';
import { unfitReply } from './transaction-dialogue.ts';

/** An upstream by name: a server, or the box that keeps mail and sends nothing. */
export type Upstream = SmtpUpstream | 'capture';

/** All that mail may be sent to: upstreams by name, and servers that only a route names. */
export interface Ways {
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly nextHops: NextHops;
}

/** Next hops of a route that one delivery tries; what stands behind them is for the next try. */
export const mostNextHops = 10;

const captured = reply(250, '2.0.0', 'captured: kept for viewing, sent to nobody');
const noUpstream = reply(451, '4.3.5', 'the upstream this mail was routed to is no longer configured');

/**
 * Sends a job's message to the upstreams of its route in order. The next one gets the recipients for which the one
 * before could not be used, and certainly did nothing; whatever was answered, or may have arrived, stays as it is.
 */
export async function deliver(
  ways: Ways,
  job: DeliveryJob,
  message: Message,
  signal: AbortSignal,
  clock: Clock,
): Promise<Delivery> {
  const { record, recipients } = job;
  const outcomes: RecipientOutcome[] = recipients.map(() => ({ do: 'deferred', reply: noUpstream }));
  const attempts: Attempt[] = [];
  let phase: Phase = 'connect';
  let outgoing: OutgoingMessage | null = null;
  /** Positions in the job whose fate is still open. */
  let open = recipients.map((_, position) => position);
  for (const { name, upstream } of waysOf(ways, job.route)) {
    if (upstream === 'capture') {
      for (const position of open) outcomes[position] = { do: 'captured', reply: captured };
      attempts.push(capture(job, open, name, clock));
      return { outcomes, attempts, phase: 'done' };
    }
    if (outgoing === null) {
      const made = await outgoingMessage(record, message);
      if ('flaw' in made) {
        const outcome: RecipientOutcome = { do: 'held', reply: unfitReply(made.flaw) };
        return { outcomes: recipients.map(() => outcome), attempts, phase };
      }
      outgoing = made;
    }
    const indexes = open.map((position) => recipients[position] ?? -1);
    const result = await upstream.send(record, indexes, outgoing, signal, job.tellDot);
    for (const [n, position] of open.entries()) {
      const outcome = result.outcomes[n];
      if (outcome !== undefined) outcomes[position] = outcome;
    }
    if (result.attempt !== null) {
      attempts.push(result.attempt);
      phase = result.attempt.phase;
    }
    open = open.filter((_, n) => result.mayTryAnother[n] === true);
    if (open.length === 0 || signal.aborted) break;
  }
  return { outcomes, attempts, phase };
}

/** The ways of a route one after the other, each held open for as long as it is the current one. */
function* waysOf({ upstreams, nextHops }: Ways, route: Route): Generator<{ name: string; upstream: Upstream }> {
  for (const hop of route.nextHops?.slice(0, mostNextHops) ?? []) {
    const { upstream, done } = nextHops.use(hop);
    try {
      yield { name: nextHopName(hop), upstream };
    } finally {
      done();
    }
  }
  for (const name of route.upstreams) {
    const upstream = upstreams.get(name);
    if (upstream !== undefined) yield { name, upstream };
  }
}

function capture(job: DeliveryJob, open: readonly number[], name: string, clock: Clock): Attempt {
  const indexes = open.map((position) => job.recipients[position] ?? -1);
  const outcomes = open.map((): RecipientOutcome => ({ do: 'captured', reply: captured }));
  return attempt(job.record, indexes, outcomes, {
    at: clock.now(),
    upstream: name,
    host: null,
    phase: 'done',
    tls: null,
    milliseconds: 0,
  });
}
