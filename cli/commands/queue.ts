import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CallResult, Client } from '../../admin-api/client/client.ts';
import {
  bounceQueued,
  cancelQueued,
  getQueued,
  holdQueued,
  listQueue,
  releaseQueued,
  rerouteQueued,
  retryQueued,
} from '../../admin-api/routes/queue.ts';
import { orderQueued } from '../../admin-api/routes/queue-orders.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { CommandContext } from '../command-context.ts';
import { showMessage } from '../message-details.ts';
import type { Output } from '../output.ts';
import { pages } from '../pages.ts';
import type { Bind } from '../program.ts';
import { counted, size, span } from '../text.ts';

const actions = {
  retry: { route: retryQueued, description: 'Try messages again now' },
  cancel: { route: cancelQueued, description: 'Give messages up, without a bounce' },
  hold: { route: holdQueued, description: 'Keep messages without trying, until released' },
  release: { route: releaseQueued, description: 'Let held messages go on' },
  bounce: { route: bounceQueued, description: 'Give messages up, and return them to their senders' },
} as const;
type Action = keyof typeof actions;

type QueuePage = CallResult<typeof listQueue>;
type QueuedMessage = QueuePage['items'][number];

const openMessages = (client: Client) => pages((cursor) => client.call(listQueue, { query: { limit: 200, cursor } }));

const due = (at: string | null): string => {
  if (at === null) return '-';
  const wait = Date.parse(at) - Date.now();
  return wait <= 0 ? 'now' : `in ${span(wait)}`;
};

async function list(context: CommandContext, options: { limit: number }): Promise<void> {
  const { output } = context;
  const client = await context.connect('existing');
  const messages: QueuedMessage[] = [];
  let state: QueuePage['state'] = null;
  for await (const page of openMessages(client)) {
    messages.push(...page.items);
    state ??= page.state;
    if (messages.length >= options.limit) break;
  }
  messages.splice(options.limit);
  output.result({ messages, state }, () => {
    if (messages.length === 0) {
      output.line('The queue is empty.');
      return;
    }
    output.table(
      [
        { title: 'Id' },
        { title: 'Age' },
        { title: 'Size', align: 'right' },
        { title: 'Status' },
        { title: 'Next' },
        { title: 'From', flexible: true },
        { title: 'To', flexible: true },
        { title: 'Last reply', flexible: true },
      ],
      messages.map((message) => {
        const [first, ...others] = message.recipients;
        return [
          message.id,
          span(Date.now() - Date.parse(message.at)),
          message.size === null ? '' : size(message.size),
          message.being_delivered ? 'sending' : message.status,
          due(message.next_at),
          message.sender === '' ? '<>' : message.sender,
          `${first?.address ?? ''}${others.length === 0 ? '' : ` +${others.length}`}`,
          message.recipients.find(({ last_reply }) => last_reply !== null)?.last_reply ?? '',
        ];
      }),
    );
    const total = state?.messages ?? messages.length;
    if (total > messages.length)
      output.line(`… and ${counted(total - messages.length, 'more', 'more')}; --limit shows them.`);
  });
}

async function show(context: CommandContext, id: string): Promise<void> {
  const client = await context.connect('existing');
  const message = await client.call(getQueued, { params: { id } });
  context.output.result(message, () => showMessage(message, context.output));
}

interface Chosen {
  readonly all?: true;
  readonly domain?: string;
  readonly address?: string;
  readonly upstream?: string;
  readonly status?: 'queued' | 'deferred' | 'held';
  readonly dryRun?: true;
}

const tell = (action: string, counts: { done: number; requested: number; unchanged: number }, output: Output): void => {
  output.line(`${action}: ${counted(counts.done, 'message')} done.`);
  if (counts.requested > 0) output.line(`${counted(counts.requested, 'message')} given to a worker: done in a moment.`);
  if (counts.unchanged > 0)
    output.line(`${counted(counts.unchanged, 'message')} unchanged: nothing to ${action} there.`);
};

/** Messages named one by one. */
async function actOnIds(
  context: CommandContext,
  ids: readonly string[],
  one: (client: Client, id: string) => Acted,
  action: string,
) {
  const { output } = context;
  const client = await context.connect('existing');
  const results: Awaited<Acted>[] = [];
  for (const id of ids) {
    results.push(await one(client, id));
    output.progress(`${action}: ${results.length} of ${ids.length}`);
  }
  output.progress('');
  const count = (wanted: string) => results.filter(({ result }) => result === wanted).length;
  const counts = { done: count('done'), requested: count('requested'), unchanged: count('unchanged') };
  output.result({ results }, () => tell(action, counts, output));
}
type Acted = Promise<CallResult<typeof retryQueued>>;

/** All messages that the options mean, in as many calls as it takes. */
async function actOnFilter(context: CommandContext, action: Action | 'reroute', chosen: Chosen, to?: string) {
  const { output } = context;
  const { domain, address, upstream, status } = chosen;
  const client = await context.connect('existing');
  const body = { action, filter: { domain, address, upstream, status }, ...(to === undefined ? {} : { upstream: to }) };
  if (chosen.dryRun === true) {
    const plan = await client.call(orderQueued, { query: { dry_run: 'true' }, body });
    output.result({ matched: plan.matched, sample: plan.sample }, () => {
      output.line(`${action}: ${counted(plan.matched, 'message')} meant; nothing was done.`);
      for (const { id, recipients } of plan.sample)
        output.line(`  ${id}  ${recipients.map((one) => one.address).join(' ')}`);
    });
    return;
  }
  const sum = { matched: 0, done: 0, requested: 0, unchanged: 0 };
  for (let cursor: string | undefined, more = true; more; ) {
    const { next, ...part } = await client.call(orderQueued, { query: { cursor }, body });
    for (const name of ['matched', 'done', 'requested', 'unchanged'] as const) sum[name] += part[name];
    output.progress(`${action}: ${sum.matched}`);
    more = next !== null;
    cursor = next ?? undefined;
  }
  output.progress('');
  output.result(sum, () => tell(action, sum, output));
}

/** True where a filter is meant, false where ids are. */
function meansFilter(ids: readonly string[], { all, domain, address, upstream, status, dryRun }: Chosen): boolean {
  const filter = all === true || [domain, address, upstream, status].some((one) => one !== undefined);
  if (filter === ids.length > 0 || (dryRun === true && !filter)) {
    throw new SluiceError('REQUEST_INVALID', 'name messages by id, or many of them by --all or a filter');
  }
  return filter;
}

const act = (action: Action) => async (context: CommandContext, ids: string[], chosen: Chosen) => {
  if (meansFilter(ids, chosen)) return actOnFilter(context, action, chosen);
  return actOnIds(context, ids, (client, id) => client.call(actions[action].route, { params: { id } }), action);
};

async function reroute(context: CommandContext, to: string, ids: string[], chosen: Chosen): Promise<void> {
  if (meansFilter(ids, chosen)) return actOnFilter(context, 'reroute', chosen, to);
  const one = (client: Client, id: string) => client.call(rerouteQueued, { params: { id }, body: { upstream: to } });
  return actOnIds(context, ids, one, 'reroute');
}

const withFilter = (command: Command): Command =>
  command
    .option('--all', 'every open message')
    .option('--domain <domain>', 'recipients at this domain')
    .option('--address <address>', 'this recipient')
    .option('--upstream <name>', 'recipients last tried at this upstream')
    .addOption(new Option('--status <status>', 'recipients in this state').choices(['queued', 'deferred', 'held']))
    .option('--dry-run', 'only tell how many messages are meant, and some of them');

const wholeNumber = (text: string): number => {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('expected a number of messages');
  return Number(text);
};

export function addQueueCommand(program: Command, bind: Bind): void {
  const queue = program.command('queue').description('Mail that still wants work');
  queue
    .command('list')
    .description('Open messages, the next due first')
    .option('--limit <count>', 'most messages to list', wholeNumber, 50)
    .action(bind(list));
  queue.command('show <id>').description('One message with its trace and attempts').action(bind(show));
  for (const action of Object.keys(actions) as Action[]) {
    withFilter(queue.command(`${action} [ids...]`).description(actions[action].description)).action(bind(act(action)));
  }
  withFilter(
    queue.command('reroute <upstream> [ids...]').description('Send messages by this upstream and no other'),
  ).action(bind(reroute));
}
