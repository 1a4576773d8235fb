import type { DeliveryJob, RecipientOutcome, Routing } from '../domain/delivery.ts';
import type { MessageRecord } from '../domain/message.ts';
import { nextHopKey } from '../domain/next-hop.ts';
import { reply } from '../domain/reply.ts';
import type { Call, Pipeline, RefusedBy } from '../pipeline/pipeline.ts';
import { type Accept, accept } from '../pipeline/verdict.ts';
import { refusalOutcome } from './delivery-answer.ts';

/** The due recipients of a message: those with a way to go, by their route, and those decided without one. */
export interface Routed {
  readonly jobs: readonly DeliveryJob[];
  readonly decided: readonly { readonly index: number; readonly outcome: RecipientOutcome }[];
}

const unrouted: RecipientOutcome = {
  do: 'deferred',
  reply: reply(451, '4.3.5', 'no plugin knows a way for this mail: is the plugin `delivery` enabled?'),
};

const returned: Answer = {
  do: 'reject',
  plugin: 'operator',
  reply: reply(554, '5.7.0', 'returned to its sender by an operator of the relay'),
};

/** Open recipients whose time has come. The record's own `nextAt` counts as come: the store claimed it for that. */
export function dueRecipients(record: MessageRecord, now: number): number[] {
  const until = Math.max(now, record.nextAt ?? now);
  const due: number[] = [];
  for (const [index, { state, nextAt }] of record.recipients.entries()) {
    if ((state === 'queued' || state === 'deferred') && nextAt !== null && nextAt <= until) due.push(index);
  }
  return due;
}

/** What an operator decided for a recipient, before any plugin is asked. */
function ordered({ recipients }: MessageRecord, index: number): Answer {
  const recipient = recipients[index];
  if (recipient?.bounceOrdered === true) return returned;
  return recipient?.reroutedTo === undefined ? undefined : accept({ upstreams: [recipient.reroutedTo] });
}

/** Asks `route` for each recipient of whom no operator decided; a plain value where every answer is one. */
export function routedJobs(
  pipeline: Pipeline,
  record: MessageRecord,
  due: readonly number[],
  call: Call,
): Routed | Promise<Routed> {
  const answers = due.map(
    (index) => ordered(record, index) ?? pipeline.first('route', { record, recipient: index }, call),
  );
  if (answers.some((answer) => answer instanceof Promise)) {
    return Promise.all(answers).then((settled) => grouped(record, due, settled));
  }
  return grouped(record, due, answers as Answer[]);
}

type Answer = Accept<Routing> | RefusedBy | undefined;

function grouped(record: MessageRecord, due: readonly number[], answers: readonly Answer[]): Routed {
  const jobs = new Map<string, DeliveryJob & { readonly recipients: number[] }>();
  const decided: { index: number; outcome: RecipientOutcome }[] = [];
  for (const [position, index] of due.entries()) {
    const answer = answers[position];
    if (answer?.do !== 'accept') {
      decided.push({ index, outcome: answer === undefined ? unrouted : refusalOutcome(answer, false) });
      continue;
    }
    const route = answer.value;
    if ('outcome' in route) {
      decided.push({ index, outcome: route.outcome });
      continue;
    }
    const key = [...(route.nextHops ?? []).map(nextHopKey), ...route.upstreams].join('\0');
    const job = jobs.get(key);
    if (job === undefined) jobs.set(key, { record, recipients: [index], route });
    else job.recipients.push(index);
  }
  return { jobs: [...jobs.values()], decided };
}
