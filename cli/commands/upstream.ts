import type { Command } from 'commander';
import type { CallResult } from '../../admin-api/client/client.ts';
import { testUpstream } from '../../admin-api/routes/connection-tests.ts';
import { listUpstreams } from '../../admin-api/routes/upstreams.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { CommandContext } from '../command-context.ts';
import { everyPage } from '../pages.ts';
import type { Bind } from '../program.ts';
import { span } from '../text.ts';

async function list(context: CommandContext): Promise<void> {
  const { output } = context;
  const client = await context.connect();
  const upstreams = await everyPage((cursor) => client.call(listUpstreams, { query: { limit: 200, cursor } }));
  output.result({ upstreams }, () => {
    output.table(
      [
        { title: 'Upstream' },
        { title: 'Target', flexible: true },
        { title: 'State' },
        { title: 'Connections', align: 'right' },
        { title: 'Waiting', align: 'right' },
        { title: 'Last error', flexible: true },
      ],
      upstreams.map(({ name, target, state, since, connections, waiting, last_error: lastError }) => [
        name,
        target ?? '-',
        since === null ? state : `${state} for ${span(Date.now() - Date.parse(since))}`,
        connections === null ? '-' : `${connections.in_use} + ${connections.idle} idle`,
        `${waiting.messages}${waiting.at_least ? '+' : ''}`,
        lastError ?? '',
      ]),
    );
  });
}

function describeTls(tls: CallResult<typeof testUpstream>['tls']): string {
  if (tls === null) return 'none';
  const { protocol, cipher, trusted, subject, valid_until: until } = tls;
  const certificate = `${subject ?? 'no name'}, until ${until ?? 'nobody knows when'}`;
  return `${protocol} ${cipher}; certificate of ${certificate}${trusted ? '' : ', which nobody vouches for'}`;
}

async function test(context: CommandContext, name: string): Promise<void> {
  const { output } = context;
  const client = await context.connect();
  const result = await client.call(testUpstream, { params: { name } });
  output.result(result, () => {
    output.pairs([
      ['Address', result.address ?? '-'],
      ['Came to', result.phase === 'done' ? 'ready for mail' : result.phase],
      ['TLS', describeTls(result.tls)],
      ['Offers', result.capabilities.join(', ') || '-'],
      ['Last reply', result.reply ?? '-'],
      ['Took', `${result.milliseconds} ms`],
    ]);
  });
  if (!result.ok) throw new SluiceError('SERVICE_UNAVAILABLE', `mail cannot be handed to ${name}: ${result.error}`);
}

export function addUpstreamCommand(program: Command, bind: Bind): void {
  const upstream = program.command('upstream').description('Where mail is relayed to');
  upstream.command('list').description('Upstreams in the order of fail-over, and how they stand').action(bind(list));
  upstream
    .command('test')
    .description('Connect to an upstream as mail would be, through TLS and login; no mail is sent')
    .argument('<name>', 'the upstream')
    .action(bind(test));
}
