import { z } from 'zod';
import { auditEntry } from '../../core/accounts/audit-entries.ts';
import type { Clock } from '../../core/domain/clock.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { QueueOrder } from '../../core/domain/message.ts';
import type { HealthSource } from '../../core/observability/health.ts';
import type { AuditEntry, AuditOrigin, AuditValues } from '../../core/storage/ports/audit-log.ts';
import type { MailLog, QueueActions, QueueState } from '../../core/storage/ports/mail-log.ts';
import { auditOrigin } from '../auth/audit-origin.ts';
import { maySee, ownerFilter } from '../auth/visibility.ts';
import { component } from '../components.ts';
import { bind, type Caller, defineRoute, type RequestFacts } from '../route.ts';
import { idParams, pageFields, pageOf, pageOptions } from './fields.ts';
import { logDetailSchema, logDetailView, logEntrySchema, logEntryView } from './message-view.ts';
import { queueStateSchema, queueStateView } from './queue-state-view.ts';
import { checkUpstream, upstreamNameSchema } from './upstream-name.ts';

export const listQueue = defineRoute({
  id: 'listQueue',
  method: 'GET',
  path: '/api/queue',
  tag: 'queue',
  summary: 'Mail that still wants work, the next due first',
  security: 'user',
  scope: 'queue:read',
  query: z.strictObject(pageFields),
  answers: {
    200: {
      description: 'A page',
      schema: component(
        'QueuePage',
        pageOf(logEntrySchema).extend({ state: queueStateSchema.nullable().describe('For administrators') }),
      ),
    },
  },
});

export const getQueued = defineRoute({
  id: 'getQueued',
  method: 'GET',
  path: '/api/queue/{id}',
  tag: 'queue',
  summary: 'One message with its trace and attempts',
  security: 'user',
  scope: 'queue:read',
  params: idParams,
  answers: { 200: { description: 'The message', schema: logDetailSchema } },
  errors: ['NOT_FOUND'],
});

const actedSchema = component(
  'QueueActionResult',
  z.strictObject({
    id: z.uuid(),
    result: z
      .enum(['done', 'requested', 'unchanged'])
      .describe('`requested`: a worker will do it, one that is at the message when it has finished'),
  }),
);

type SimpleAction = Exclude<QueueOrder['do'], 'reroute'>;
const actionRoute = <const Id extends string, const A extends SimpleAction>(id: Id, action: A, summary: string) =>
  defineRoute({
    id,
    method: 'POST',
    path: `/api/queue/{id}/${action}`,
    tag: 'queue',
    summary,
    security: 'user',
    scope: 'queue:write',
    params: idParams,
    answers: { 200: { description: 'What was done', schema: actedSchema } },
    errors: ['NOT_FOUND'],
  });

export const retryQueued = actionRoute('retryQueued', 'retry', 'Try again now');
export const cancelQueued = actionRoute('cancelQueued', 'cancel', 'Give up, without a bounce');
export const holdQueued = actionRoute('holdQueued', 'hold', 'Keep, without trying, until released');
export const releaseQueued = actionRoute('releaseQueued', 'release', 'Let a held message go on');

export const bounceQueued = actionRoute('bounceQueued', 'bounce', 'Give up, and return it to its sender');

export const rerouteQueued = defineRoute({
  id: 'rerouteQueued',
  method: 'POST',
  path: '/api/queue/{id}/reroute',
  tag: 'queue',
  summary: 'Send by this upstream and no other',
  description: 'For administrators.',
  security: 'user',
  scope: 'queue:write',
  params: idParams,
  body: z.strictObject({ upstream: upstreamNameSchema }).meta({ examples: [{ upstream: 'default' }] }),
  answers: { 200: { description: 'What was done', schema: actedSchema } },
  errors: ['FORBIDDEN', 'NOT_FOUND'],
});

export const queueRoutes = [
  listQueue,
  getQueued,
  retryQueued,
  cancelQueued,
  holdQueued,
  releaseQueued,
  bounceQueued,
  rerouteQueued,
];

export interface QueueServices {
  readonly mailLog: MailLog;
  readonly queueActions: QueueActions;
  readonly health: HealthSource;
  readonly clock: Clock;
}

type Asked = { readonly caller: Caller; readonly params: { readonly id: string }; readonly request: RequestFacts };

/** How the audit log tells of an order. */
export const orderEntry = (
  by: AuditOrigin,
  at: number,
  order: QueueOrder,
  subject: AuditEntry['subject'],
  filter: AuditValues = {},
): AuditEntry =>
  auditEntry({
    by,
    at,
    action: `queue.${order.do}`,
    subject,
    before: null,
    after: { ...(order.do === 'reroute' ? { upstream: order.upstream } : {}), ...filter },
  });

export function bindQueue({ mailLog, queueActions, health, clock }: QueueServices) {
  const notFound = () => new SluiceError('NOT_FOUND', 'there is no such message');

  const visible = async (caller: Caller, id: string) => {
    const entry = await mailLog.get(id);
    if (entry?.kind !== 'message' || !maySee(caller, entry.record.ownerId)) throw notFound();
    return entry;
  };

  const act = async (order: QueueOrder, { caller, params: { id }, request }: Asked) => {
    await visible(caller, id);
    const result = await queueActions.act(
      id,
      order,
      orderEntry(auditOrigin(caller, request), clock.now(), order, { kind: 'message', id }),
    );
    if (result === 'not-found') throw notFound();
    return { status: 200, body: { id, result } } as const;
  };

  const stateFor = async (caller: Caller): Promise<QueueState | null> =>
    caller.role === 'admin' ? await mailLog.queueState() : null;

  return [
    bind(listQueue)(async ({ caller, query }) => {
      const [page, state] = await Promise.all([
        mailLog.queue({ ...ownerFilter(caller, undefined), ...pageOptions(query) }),
        stateFor(caller),
      ]);
      const items = page.items.filter(({ record }) => maySee(caller, record.ownerId)).map(logEntryView);
      return { status: 200, body: { items, next: page.next, state: state === null ? null : queueStateView(state) } };
    }),

    bind(getQueued)(async ({ caller, params }) => {
      const entry = await visible(caller, params.id);
      return { status: 200, body: logDetailView(entry, await mailLog.attempts(params.id)) };
    }),

    bind(retryQueued)((asked) => act({ do: 'retry' }, asked)),
    bind(cancelQueued)((asked) => act({ do: 'cancel' }, asked)),
    bind(holdQueued)((asked) => act({ do: 'hold' }, asked)),
    bind(releaseQueued)((asked) => act({ do: 'release' }, asked)),
    bind(bounceQueued)((asked) => act({ do: 'bounce' }, asked)),
    bind(rerouteQueued)(async (asked) => {
      const { caller, params } = asked;
      const { upstream } = asked.body;
      await visible(caller, params.id);
      if (caller.role !== 'admin') throw new SluiceError('FORBIDDEN', 'only administrators reroute mail');
      await checkUpstream(health, upstream);
      return act({ do: 'reroute', upstream }, asked);
    }),
  ];
}
