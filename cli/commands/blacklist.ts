import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CallResult, Client } from '../../admin-api/client/client.ts';
import { createBlacklistEntry, deleteBlacklistEntry, listBlacklist } from '../../admin-api/routes/blacklist.ts';
import { duration } from '../../core/config/units.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import { parseNetwork } from '../../core/domain/ip-network.ts';
import { type BlacklistSource, blacklistSources } from '../../core/storage/ports/blacklist.ts';
import { type EndOptions, endFields, exportList, formatOption, importList } from '../blacklist-lists.ts';
import type { CommandContext } from '../command-context.ts';
import { pages } from '../pages.ts';
import type { Bind } from '../program.ts';
import { counted, span } from '../text.ts';

type Entry = CallResult<typeof listBlacklist>['items'][number];

const ends = (at: string | null): string => {
  if (at === null) return 'never';
  const rest = Date.parse(at) - Date.now();
  return rest > 0 ? `in ${span(rest)}` : 'ended';
};

interface ListOptions {
  readonly address?: string;
  readonly source?: BlacklistSource;
  readonly limit: number;
}

async function list(context: CommandContext, { address, source, limit }: ListOptions): Promise<void> {
  const { output } = context;
  const client = await context.connect('existing');
  const entries: Entry[] = [];
  let more = false;
  for await (const page of pages((cursor) =>
    client.call(listBlacklist, { query: { limit: Math.min(limit, 200), cursor, address, source } }),
  )) {
    entries.push(...page.items);
    more = entries.length > limit || page.next !== null;
    if (entries.length >= limit) break;
  }
  entries.splice(limit);
  output.result({ entries }, () => {
    if (entries.length === 0) {
      output.line(address === undefined ? 'The blacklist is empty.' : `Nothing on the blacklist holds ${address}.`);
      return;
    }
    output.table(
      [
        { title: 'Network' },
        { title: 'Reason', flexible: true },
        { title: 'Source' },
        { title: 'Age' },
        { title: 'Ends' },
      ],
      entries.map((entry) => [
        entry.network,
        entry.reason,
        entry.source,
        span(Date.now() - Date.parse(entry.created_at)),
        ends(entry.expires_at),
      ]),
    );
    if (more) output.line('… and more; --limit shows them.');
  });
}

async function add(context: CommandContext, network: string, options: EndOptions): Promise<void> {
  const { output } = context;
  const client = await context.connect('existing');
  const entry = await client.call(createBlacklistEntry, { body: { network, ...endFields(options) } });
  output.result(entry, () => {
    output.line(`${entry.network} is refused from now on; ends: ${ends(entry.expires_at)}.`);
    for (const overlap of entry.overlaps) output.line(`There is a ${overlap.is} entry, too: ${overlap.network}.`);
  });
}

/** Throws `NOT_FOUND`. */
async function idOf(client: Client, text: string): Promise<string> {
  const network = parseNetwork(text);
  if (network === null) return text;
  const { items } = await client.call(listBlacklist, { query: { address: network.text, limit: 200 } });
  const found = items.find((entry) => entry.network === network.text);
  if (found !== undefined) return found.id;
  const wider = items.map((entry) => entry.network).join(', ');
  const advice = wider === '' ? '' : `; it lies in ${wider}, which is`;
  throw new SluiceError('NOT_FOUND', `${network.text} is not on the blacklist${advice}`);
}

async function remove(context: CommandContext, entries: readonly string[]): Promise<void> {
  const client = await context.connect('existing');
  for (const entry of entries) {
    await client.call(deleteBlacklistEntry, { params: { id: await idOf(client, entry) } });
  }
  context.output.result({ removed: entries.length }, () =>
    context.output.line(`${counted(entries.length, 'entry', 'entries')} removed.`),
  );
}

const wholeNumber = (text: string): number => {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('expected a number of entries');
  return Number(text);
};

function lasting(text: string): number {
  const result = duration().safeParse(text);
  if (!result.success) throw new InvalidArgumentError('expected a span of time such as 12h or 7d');
  return result.data;
}

const withEnd = (command: Command): Command =>
  command
    .option('--reason <text>', 'told to the client that is refused')
    .option('--for <span>', 'how long, such as 12h or 7d (default: for ever)', lasting);

export function addBlacklistCommand(program: Command, bind: Bind): void {
  const blacklist = program.command('blacklist').description('Who is refused by address');
  blacklist
    .command('list')
    .description('Refused addresses and networks, in the order of addresses')
    .option('--address <address>', 'entries that hold this address or network')
    .addOption(new Option('--source <source>', 'who put them there').choices([...blacklistSources]))
    .option('--limit <count>', 'most entries to list', wholeNumber, 50)
    .action(bind(list));
  withEnd(
    blacklist
      .command('add <network>')
      .description('Refuse an address or CIDR network, at once and in open sessions, too'),
  ).action(bind(add));
  blacklist
    .command('remove <entries...>')
    .description('Let addresses or networks in again, named as they are listed or by id')
    .action(bind(remove));
  withEnd(
    blacklist
      .command('import <file>')
      .description('Put a list on the blacklist: CSV, or an address or network a line; - is standard input')
      .addOption(formatOption())
      .option('--dry-run', 'only tell what would be done')
      .option('--skip-invalid', 'pass over bad lines instead of refusing the whole list'),
  ).action(bind(importList));
  blacklist
    .command('export')
    .description('Write the blacklist to standard output')
    .addOption(formatOption().default('csv'))
    .action(bind(exportList));
}
