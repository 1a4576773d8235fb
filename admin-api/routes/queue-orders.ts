import { z } from 'zod';
import { SluiceError } from '../../core/domain/errors.ts';
import { openStates, type QueueOrder } from '../../core/domain/message.ts';
import type { RecipientFilter } from '../../core/domain/recipient-filter.ts';
import type { AuditEntry } from '../../core/storage/ports/audit-log.ts';
import type { MailLog, QueueFilter } from '../../core/storage/ports/mail-log.ts';
import { auditOrigin } from '../auth/audit-origin.ts';
import { ownerFilter } from '../auth/visibility.ts';
import { component } from '../components.ts';
import { type Body, bind, type Caller, defineRoute } from '../route.ts';
import { given, idSchema, instantSchema } from './fields.ts';
import { logEntrySchema, logEntryView } from './message-view.ts';
import { orderEntry, type QueueServices } from './queue.ts';
import { checkUpstream, upstreamNameSchema } from './upstream-name.ts';

/** Open messages looked at in one go, and messages acted on in one commit. */
const piece = 500;
/** Messages acted on in one call; the next call goes on behind them. */
const mostActedOn = 10_000;
const mostShown = 10;

const text = z.string().min(1).max(1_000).optional();
const filterSchema = component(
  'QueueFilter',
  z
    .strictObject({
      status: z.enum(openStates).optional(),
      address: text.describe('Whole address of a recipient'),
      domain: text.describe('Domain of a recipient'),
      upstream: text.describe('Upstream of the last attempt, or the one it was rerouted to'),
      owner_id: z.string().min(1).max(100).optional().describe('For administrators: a user, or `network:` and a name'),
      credential_id: idSchema.optional(),
      from: instantSchema.optional().describe('Accepted at or after this'),
      until: instantSchema.optional().describe('Accepted before this'),
    })
    .describe('All that is given must hold; nothing given means the whole queue'),
);

const count = z.int().min(0);

export const orderQueued = defineRoute({
  id: 'orderQueued',
  method: 'POST',
  path: '/api/queue/actions',
  tag: 'queue',
  summary: 'Retry, hold, release, cancel, bounce or reroute all waiting mail that a filter means',
  description:
    'Of a message with several recipients only those are touched whose state, address, domain and upstream fit. With `dry_run=true` nothing is done: the answer tells how many messages are meant and shows some of them. Up to 10,000 messages are acted on in one call; where `next` is not null, call again with it as `cursor`. An order that was carried out already changes nothing, so a call may be repeated. Rerouting is for administrators.',
  security: 'user',
  scope: 'queue:write',
  query: z.strictObject({
    dry_run: z.enum(['true', 'false']).default('false').describe('Only tell what would be done'),
    cursor: z
      .string()
      .regex(/^\d{1,16}$/, 'expected the `next` of the call before')
      .optional()
      .describe('`next` of the call before'),
  }),
  body: z
    .strictObject({
      action: z.enum(['retry', 'hold', 'release', 'cancel', 'bounce', 'reroute']),
      filter: filterSchema,
      upstream: upstreamNameSchema.optional().describe('Where to reroute to'),
    })
    .meta({ examples: [{ action: 'hold', filter: { domain: 'example.com', status: 'deferred' } }] }),
  answers: {
    200: {
      description: 'What was done, or would be',
      schema: component(
        'QueueOrderResult',
        z.strictObject({
          dry_run: z.boolean(),
          matched: count.describe('Messages that the filter means'),
          done: count,
          requested: count.describe('A worker will do it, one that is at the message when it has finished'),
          unchanged: count.describe('There was nothing to do'),
          sample: z.array(logEntrySchema).describe(`In a dry run: the first ${mostShown} of them`),
          next: z.string().nullable().describe('Pass as `cursor` to go on; null at the end'),
        }),
      ),
    },
  },
  errors: ['FORBIDDEN'],
});

export const queueOrderRoutes = [orderQueued];

type Asked = Body<typeof orderQueued>;

function recipientsOf({ status, address, domain, upstream }: Asked['filter']): RecipientFilter {
  return given({ state: status, address, domain, upstream });
}

function filterOf(caller: Caller, { filter }: Asked): QueueFilter {
  const { owner_id, credential_id, from, until } = filter;
  return {
    ...recipientsOf(filter),
    ...ownerFilter(caller, owner_id),
    ...given({ credentialId: credential_id, from, until }),
  };
}

function orderOf({ action, filter, upstream }: Asked): QueueOrder {
  const recipients = recipientsOf(filter);
  const of = Object.keys(recipients).length === 0 ? {} : { of: recipients };
  if (action !== 'reroute' && upstream === undefined) return { do: action, ...of };
  if (action === 'reroute' && upstream !== undefined) return { do: action, upstream, ...of };
  const message = action === 'reroute' ? 'say by which upstream' : 'only `reroute` takes an upstream';
  throw new SluiceError('REQUEST_INVALID', `body.upstream: ${message}`, {
    problems: [{ path: 'body.upstream', message }],
  });
}

/** Ids of the messages meant, in pieces, each with the cursor behind it. */
async function* matches(mailLog: MailLog, filter: QueueFilter, cursor: string | undefined) {
  let after = cursor;
  do {
    const page = await mailLog.queueMatches(filter, { limit: piece, ...given({ after }) });
    yield page;
    after = page.next ?? undefined;
  } while (after !== undefined);
}

export function bindQueueOrders({ mailLog, queueActions, health, clock }: QueueServices) {
  const dryRun = async (filter: QueueFilter, cursor: string | undefined) => {
    const shown: string[] = [];
    let matched = 0;
    for await (const { items } of matches(mailLog, filter, cursor)) {
      matched += items.length;
      shown.push(...items.slice(0, mostShown - shown.length));
    }
    const entries = await Promise.all(shown.map((id) => mailLog.get(id)));
    const sample = entries.filter((entry) => entry !== null).map(logEntryView);
    return { dry_run: true, matched, done: 0, requested: 0, unchanged: 0, sample, next: null };
  };

  const carryOut = async (
    filter: QueueFilter,
    order: QueueOrder,
    cursor: string | undefined,
    entry: () => AuditEntry,
  ) => {
    const sum = { dry_run: false, matched: 0, done: 0, requested: 0, unchanged: 0, sample: [] };
    for await (const { items, next } of matches(mailLog, filter, cursor)) {
      if (items.length > 0) {
        const { done, requested, unchanged } = await queueActions.actOn(items, order, entry());
        sum.matched += items.length;
        sum.done += done;
        sum.requested += requested;
        sum.unchanged += unchanged;
      }
      if (sum.matched >= mostActedOn) return { ...sum, next };
    }
    return { ...sum, next: null };
  };

  return [
    bind(orderQueued)(async ({ caller, query, body, request }) => {
      const filter = filterOf(caller, body);
      const order = orderOf(body);
      if (order.do === 'reroute') {
        if (caller.role !== 'admin') throw new SluiceError('FORBIDDEN', 'only administrators reroute mail');
        await checkUpstream(health, order.upstream);
      }
      if (query.dry_run === 'true') return { status: 200, body: await dryRun(filter, query.cursor) };
      const by = auditOrigin(caller, request);
      const entry = () =>
        orderEntry(by, clock.now(), order, { kind: 'queue', id: 'filter' }, { filter: { ...filter } });
      return { status: 200, body: await carryOut(filter, order, query.cursor, entry) };
    }),
  ];
}
