import type { Command } from 'commander';
import { getConservation } from '../../admin-api/routes/system.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { CommandContext } from '../command-context.ts';
import type { Bind } from '../program.ts';

async function conservation(context: CommandContext): Promise<void> {
  const { output } = context;
  const sum = await (await context.connect('existing')).call(getConservation);
  const states = Object.entries(sum.states);
  const right = states.reduce((total, [, count]) => total + count, 0);
  output.result(sum, () => {
    const row = (name: string, count: number) => [name, count.toLocaleString('en')];
    output.table(
      [{ title: 'Recipients' }, { title: 'Count', align: 'right' }],
      [
        row('accepted', sum.accepted),
        row('generated (bounces)', sum.generated),
        row('= all', sum.accepted + sum.generated),
        ...states.map(([state, count]) => row(state, count)),
        row('= all', right),
      ],
    );
    output.line(sum.balanced ? 'Every accepted recipient is accounted for.' : 'The two sums differ.');
  });
  if (!sum.balanced) {
    const advice = 'Keep the data folder as it is, make a copy, and report this.';
    throw new SluiceError(
      'STORE_CORRUPT',
      `${sum.accepted + sum.generated} recipients came in and ${right} are known. ${advice}`,
    );
  }
}

export function addConservationCommand(program: Command, bind: Bind): void {
  program
    .command('conservation')
    .description('Is every accepted recipient accounted for? accepted + generated = delivered + … + queued')
    .action(bind(conservation));
}
