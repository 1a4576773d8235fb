import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CallInput, CallResult } from '../../admin-api/client/client.ts';
import { listCredentials } from '../../admin-api/routes/smtp-credentials.ts';
import { getStats } from '../../admin-api/routes/stats.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { CommandContext } from '../command-context.ts';
import type { Output } from '../output.ts';
import { everyPage } from '../pages.ts';
import type { Bind } from '../program.ts';
import type { Column } from '../table.ts';
import { span } from '../text.ts';
import { findUser } from './user.ts';

type Stats = CallResult<typeof getStats>;
type Figures = Stats['totals'];
type Query = NonNullable<CallInput<typeof getStats>['query']>;
type Latency = Figures['latency']['delivery'];

interface Chosen {
  readonly by?: NonNullable<Query['group_by']>;
  readonly interval: 'hour' | 'day';
  readonly from?: string;
  readonly until?: string;
  readonly timeZone?: string;
  readonly top: number;
  readonly user?: string;
  readonly credential?: string;
  readonly domain?: string;
  readonly upstream?: string;
}

const number = (count: number | null): string => (count === null ? '-' : count.toLocaleString('en'));
const short = (milliseconds: number): string =>
  milliseconds < 10_000 ? `${number(milliseconds)} ms` : span(milliseconds);

const figureColumns: readonly Column[] = ['Accepted', 'Sent', 'Failed', 'Deferred', 'Refused', 'Median', '95 %'].map(
  (title) => ({ title, align: 'right' }),
);

/** What was not counted by this, or not measured, is a hyphen. */
function figureCells({ accepted, sent, failed, by_status, latency: { delivery } }: Figures): string[] {
  const counts = [accepted, sent, failed, by_status.deferred, by_status.refused].map(number);
  return [...counts, ...[delivery?.p50, delivery?.p95].map((at) => (at === undefined ? '-' : short(at)))];
}

const isEmpty = ({ accepted, sent, failed, by_status }: Figures): boolean =>
  (accepted ?? 0) + sent + failed + by_status.deferred + (by_status.refused ?? 0) + by_status.cancelled === 0;

/** The beginning of an interval on the clock of the answer's time zone: `2026-11-22`, `2026-11-22 14:00`. */
function label({ interval, time_zone: timeZone }: Stats, start: string): string {
  const style =
    interval === 'day' ? ({ dateStyle: 'short' } as const) : ({ dateStyle: 'short', timeStyle: 'short' } as const);
  // The Swedish format is that of ISO 8601.
  return new Intl.DateTimeFormat('sv-SE', { timeZone, ...style }).format(Date.parse(start));
}

function showIntervals(stats: Stats, output: Output): void {
  const busy = stats.intervals.filter((one) => !isEmpty(one));
  const title = `${stats.interval === 'day' ? 'Day' : 'Hour'} (${stats.time_zone})`;
  output.table(
    [{ title }, ...figureColumns],
    [...busy.map((one) => [label(stats, one.start), ...figureCells(one)]), ['In all', ...figureCells(stats.totals)]],
  );
}

function showGroups(stats: Stats, output: Output): void {
  const { groups, others, group_by: by } = stats;
  const title = `${by?.charAt(0).toUpperCase()}${by?.slice(1)}`;
  if (by === 'status') {
    const columns: Column[] = [{ title }, { title: 'Recipients', align: 'right' }];
    output.table(
      columns,
      groups.map(({ key, count }) => [key ?? '', number(count)]),
    );
    return;
  }
  const rows = groups.map(({ key, name, figures }) => [
    name ?? key ?? '(none)',
    ...(figures === null ? [] : figureCells(figures)),
  ]);
  if (others?.figures) rows.push([`${number(others.groups)} others`, ...figureCells(others.figures)]);
  output.table([{ title, flexible: true }, ...figureColumns], rows);
}

const latencyLine = (latency: NonNullable<Latency>): string =>
  `median ${short(latency.p50)}, 90 % ${short(latency.p90)}, 95 % ${short(latency.p95)}, 99 % ${short(latency.p99)}`;

/** Mail of trusted networks has owners that are no users. */
const ownerOf = async (context: CommandContext, user: string): Promise<string> =>
  user.startsWith('network:') ? user : (await findUser(context, user)).id;

async function credentialOf(context: CommandContext, wanted: string): Promise<string> {
  const client = await context.connect('existing');
  const credentials = await everyPage((cursor) => client.call(listCredentials, { query: { limit: 200, cursor } }));
  const found = credentials.find(({ id, username }) => id === wanted || username === wanted);
  if (found !== undefined) return found.id;
  throw new SluiceError('NOT_FOUND', `there is no credential ${wanted}; \`sluice credential list\` shows them`);
}

async function stats(context: CommandContext, chosen: Chosen): Promise<void> {
  const { output } = context;
  const { by, interval, from, until, timeZone, top, user, credential, domain, upstream } = chosen;
  const owner = user === undefined ? undefined : await ownerOf(context, user);
  const sender = credential === undefined ? undefined : await credentialOf(context, credential);
  const client = await context.connect('existing');
  const query = { group_by: by, interval, from, until, time_zone: timeZone, top, owner_id: owner };
  const answer = await client.call(getStats, { query: { ...query, credential_id: sender, domain, upstream } });
  output.result(answer, () => {
    if (isEmpty(answer.totals)) {
      output.line(
        `No mail from ${label(answer, answer.from)} to ${label(answer, answer.until)} (${answer.time_zone}).`,
      );
      return;
    }
    if (by === undefined) showIntervals(answer, output);
    else showGroups(answer, output);
    const { delivery, transaction } = answer.totals.latency;
    output.line();
    output.pairs([
      ['From', `${label(answer, answer.from)} to ${label(answer, answer.until)} (${answer.time_zone})`],
      ...(delivery === null ? [] : [['Acceptance to delivery', latencyLine(delivery)] as const]),
      ...(transaction === null ? [] : [['Upstream transactions', latencyLine(transaction)] as const]),
    ]);
  });
}

/** A day is its first moment in UTC. */
const moment = (text: string): string => {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text;
  if (!/T.*(Z|[+-]\d\d:\d\d)$/.test(time) || Number.isNaN(Date.parse(time))) {
    throw new InvalidArgumentError('expected a day or time such as 2026-11-22 or 2026-11-22T14:00:00Z');
  }
  return time;
};

const fewGroups = (text: string): number => {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 50) throw new InvalidArgumentError('expected 1 to 50');
  return count;
};

export function addStatsCommand(program: Command, bind: Bind): void {
  program
    .command('stats')
    .description('How much mail became what, how fast and where')
    .addOption(
      new Option('--by <what>', 'group by this instead of by time').choices([
        'status',
        'credential',
        'domain',
        'upstream',
        'owner',
      ]),
    )
    .addOption(new Option('--interval <interval>', 'length of the rows').choices(['hour', 'day']).default('day'))
    .option('--from <time>', 'from this day or time on (default: seven days ago, by hours one)', moment)
    .option('--until <time>', 'before this day or time (default: now)', moment)
    .option('--time-zone <name>', 'where days begin (default: UTC)')
    .option('--top <count>', 'most groups', fewGroups, 10)
    .option('--user <username>', 'only mail of this user, or of `network:` and a name')
    .option('--credential <username>', 'only mail of this credential')
    .option('--domain <domain>', 'only mail to this domain')
    .option('--upstream <name>', 'only mail last tried at this upstream')
    .action(bind(stats));
}
