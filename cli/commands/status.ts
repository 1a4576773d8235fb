import type { Command } from 'commander';
import { getHealth } from '../../admin-api/routes/health.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { CommandContext } from '../command-context.ts';
import type { Bind } from '../program.ts';
import { counted, span } from '../text.ts';

async function status(context: CommandContext): Promise<void> {
  const { output } = context;
  const health = await (await context.connect()).call(getHealth);
  const queue = health.details?.queue ?? null;
  output.result(health, () => {
    const style = health.status === 'ok' ? 'green' : health.status === 'degraded' ? 'yellow' : 'red';
    output.pairs([
      ['Status', health.status],
      ...(health.details === undefined
        ? []
        : [
            ['Version', health.details.version] as const,
            ['Up for', span(Date.now() - Date.parse(health.details.started_at))] as const,
          ]),
      ['Store', health.store],
      ...(queue === null
        ? []
        : [
            [
              'Queue',
              `${counted(queue.messages, 'message')}; recipients: ${queue.queued} queued, ${queue.deferred} deferred, ${queue.held} held`,
            ] as const,
            ['Oldest', queue.oldest === null ? '-' : `${span(Date.now() - Date.parse(queue.oldest))} old`] as const,
          ]),
      ...health.upstreams.map(({ name, state, details }) => {
        const error = details?.last_error == null ? '' : `; ${details.last_error}`;
        return [`Upstream`, `${name} ${state}${details === undefined ? '' : ` (${details.target}${error})`}`] as const;
      }),
    ]);
    if (health.status !== 'ok') output.note(output.paint(style, `Not all is well: ${health.status}`));
  });
  if (health.status === 'down') throw new SluiceError('STORE_UNAVAILABLE', 'the store does not answer; see the log');
}

export function addStatusCommand(program: Command, bind: Bind): void {
  program.command('status').description('How the running Sluice is: store, queue, upstreams').action(bind(status));
}
