import type { Command } from 'commander';
import { followEvents, type StreamedEvent } from '../../admin-api/client/follow-events.ts';
import type { CommandContext } from '../command-context.ts';
import type { Output } from '../output.ts';
import type { Bind } from '../program.ts';
import { printable } from '../text.ts';

interface Options {
  readonly types?: string;
  readonly owner?: string;
  readonly credential?: string;
  readonly after?: string;
}

const good: ReadonlySet<string> = new Set(['accepted', 'delivered', 'relayed', 'captured']);
const waiting: ReadonlySet<string> = new Set(['deferred', 'held', 'configuration_changed']);
const widest = 'configuration_changed'.length;

function lineOf(event: StreamedEvent, output: Output): string {
  if (event.type === 'missed') return `events up to ${event.next - 1} are kept no longer`;
  const time = event.at.slice(11, 19);
  const style = good.has(event.type) ? 'green' : waiting.has(event.type) ? 'yellow' : 'red';
  const type = output.paint(style, event.type.padEnd(widest));
  if (event.type === 'configuration_changed') return `${time} ${type} version ${event.version} (${event.cause})`;
  const { sender, recipients, upstream, reply } = event;
  const how = [upstream, reply].filter((part) => part !== null).join(' ');
  const who = printable(`<${sender}> → ${recipients.join(', ')}`);
  return `${time} ${type} ${who}${how === '' ? '' : `  ${printable(how)}`}`;
}

async function events(context: CommandContext, options: Options): Promise<void> {
  const { output } = context;
  const { types, owner, credential, after = null } = options;
  const query = {
    ...(types === undefined ? {} : { types }),
    ...(owner === undefined ? {} : { owner_id: owner }),
    ...(credential === undefined ? {} : { credential_id: credential }),
  };
  const lost = () => output.note('The connection was lost; trying again …');
  for await (const event of followEvents(await context.target(), { query, after, lost })) {
    output.line(output.json ? JSON.stringify(event) : lineOf(event, output));
  }
}

export function addEventsCommand(program: Command, bind: Bind): void {
  program
    .command('events')
    .description('What happens, as it happens, until you stop it; times in UTC')
    .option('--types <types>', 'only these, separated by commas: accepted,rejected,delivered,deferred,bounced …')
    .option('--owner <id>', 'only of this user')
    .option('--credential <id>', 'only of this SMTP credential')
    .option('--after <id>', 'begin after this event, instead of now')
    .action(bind(events));
}
