import { type Command, InvalidArgumentError } from 'commander';
import type { CallResult, Client } from '../../admin-api/client/client.ts';
import {
  cancelQueued,
  getQueued,
  holdQueued,
  listQueue,
  releaseQueued,
  retryQueued,
} from '../../admin-api/routes/queue.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { CommandContext } from '../command-context.ts';
import { showMessage } from '../message-details.ts';
import { pages } from '../pages.ts';
import type { Bind } from '../program.ts';
import { counted, size, span } from '../text.ts';

const actions = {
  retry: { route: retryQueued, description: 'Try messages again now' },
  cancel: { route: cancelQueued, description: 'Give messages up, without a bounce' },
  hold: { route: holdQueued, description: 'Keep messages without trying, until released' },
  release: { route: releaseQueued, description: 'Let held messages go on' },
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

async function idsOf(client: Client, ids: readonly string[], all: boolean): Promise<readonly string[]> {
  if (all === ids.length > 0) throw new SluiceError('REQUEST_INVALID', 'name messages by id, or all of them by --all');
  if (!all) return ids;
  const found: string[] = [];
  for await (const page of openMessages(client)) found.push(...page.items.map(({ id }) => id));
  return found;
}

const act = (action: Action) => async (context: CommandContext, ids: string[], options: { all?: true }) => {
  const { output } = context;
  const client = await context.connect('existing');
  const all = options.all === true;
  const chosen = await idsOf(client, ids, all);
  const results: { id: string; result: string }[] = [];
  for (const id of chosen) {
    try {
      results.push(await client.call(actions[action].route, { params: { id } }));
    } catch (error) {
      // Of all messages, some may have left the queue meanwhile.
      if (!(all && error instanceof SluiceError && error.code === 'NOT_FOUND')) throw error;
    }
    output.progress(`${action}: ${results.length} of ${chosen.length}`);
  }
  output.progress('');
  output.result({ results }, () => {
    const count = (wanted: string) => results.filter(({ result }) => result === wanted).length;
    output.line(`${action}: ${counted(count('done'), 'message')} done.`);
    if (count('requested') > 0)
      output.line(`${counted(count('requested'), 'message')} on the way now: done when that try has ended.`);
    if (count('unchanged') > 0)
      output.line(`${counted(count('unchanged'), 'message')} unchanged: nothing to ${action} there.`);
  });
};

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
    queue
      .command(`${action} [ids...]`)
      .description(actions[action].description)
      .option('--all', 'every open message')
      .action(bind(act(action)));
  }
}
