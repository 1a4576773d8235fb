import { z } from 'zod';
import { SluiceError } from '../../core/domain/errors.ts';
import type { MailLog, QueueAction, QueueActions, QueueState } from '../../core/storage/ports/mail-log.ts';
import { maySee, ownerFilter } from '../auth/visibility.ts';
import { component } from '../components.ts';
import { bind, type Caller, defineRoute } from '../route.ts';
import { idParams, pageFields, pageOf, pageOptions } from './fields.ts';
import { logDetailSchema, logDetailView, logEntrySchema, logEntryView } from './message-view.ts';
import { queueStateSchema, queueStateView } from './queue-state-view.ts';

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
      .describe('`requested`: a worker is at the message, and it will be done when that one has finished'),
  }),
);

const actionRoute = <const Id extends string, const A extends QueueAction>(id: Id, action: A, summary: string) =>
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

export const queueRoutes = [listQueue, getQueued, retryQueued, cancelQueued, holdQueued, releaseQueued];

export function bindQueue({ mailLog, queueActions }: { mailLog: MailLog; queueActions: QueueActions }) {
  const notFound = () => new SluiceError('NOT_FOUND', 'there is no such message');

  const visible = async (caller: Caller, id: string) => {
    const entry = await mailLog.get(id);
    if (entry?.kind !== 'message' || !maySee(caller, entry.record.ownerId)) throw notFound();
    return entry;
  };

  const act = async (action: QueueAction, caller: Caller, id: string) => {
    await visible(caller, id);
    const result = await queueActions.act(id, action);
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

    bind(retryQueued)(({ caller, params }) => act('retry', caller, params.id)),
    bind(cancelQueued)(({ caller, params }) => act('cancel', caller, params.id)),
    bind(holdQueued)(({ caller, params }) => act('hold', caller, params.id)),
    bind(releaseQueued)(({ caller, params }) => act('release', caller, params.id)),
  ];
}
