import type { Command } from 'commander';
import { SluiceError } from '../../core/domain/errors.ts';
import type { CommandContext } from '../command-context.ts';
import type { Bind } from '../program.ts';

/** How many lines a kind gets where nobody watches. */
const every = 5_000;

async function migrate(context: CommandContext, options: { abandon?: true }): Promise<void> {
  const { output } = context;
  const { config } = await context.configuration();
  // Read only now: they bring both databases with them.
  const { abandonDataFolderMigration, migrateDataFolder } = await import('../../processes/migration.ts');
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    if (options.abandon === true) {
      await abandonDataFolderMigration(config, stop.signal);
      const result = { abandoned: true, data_dir: config.data_dir };
      output.result(result, () => output.line(`Given up: ${config.data_dir} can be used as before.`));
      return;
    }
    let told = '';
    const { documents, conservation } = await migrateDataFolder(config, {
      signal: stop.signal,
      progress({ step, name, done, total }) {
        const line = `${step} ${name}: ${done} of ${total}`;
        output.progress(line);
        const round = `${step} ${name} ${Math.floor(done / every)}`;
        if (!output.watched && (round !== told || done === total)) output.note(line);
        told = round;
      },
    });
    output.progress('');
    output.result({ documents, conservation }, () => {
      const rows = Object.entries(documents).map(([name, count]) => [name, count.toLocaleString('en')]);
      output.table([{ title: 'Copied and verified' }, { title: 'Count', align: 'right' }], rows);
      output.line();
      output.line('The data folder is closed for good. Start the cluster: sluice start smtp, worker and api.');
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    throw new SluiceError('CONFLICT', 'interrupted; the next `sluice migrate` goes on from here', { cause: error });
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

export function addMigrateCommand(program: Command, bind: Bind): void {
  program
    .command('migrate')
    .description('Bring the data folder into the MongoDB of cluster mode: all of it, verified; interrupted, it goes on')
    .option('--abandon', 'give up a migration that is not finished: the database is deleted, the folder as before')
    .action(bind(migrate));
}
