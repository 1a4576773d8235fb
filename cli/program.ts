import { Command, CommanderError } from 'commander';
import { catalogue } from '../core/domain/errors.ts';
import { version } from '../processes/package-version.ts';
import { CommandContext, type RunCommand, type Surroundings } from './command-context.ts';
import { addBlacklistCommand } from './commands/blacklist.ts';
import { addCheckCommand } from './commands/check.ts';
import { addConservationCommand } from './commands/conservation.ts';
import { addCredentialCommand } from './commands/credential.ts';
import { addEventsCommand } from './commands/events.ts';
import { addHarakaCommand } from './commands/haraka.ts';
import { addMigrateCommand } from './commands/migrate.ts';
import { addPluginsCommand } from './commands/plugins.ts';
import { addQueueCommand } from './commands/queue.ts';
import { addSendCommand } from './commands/send.ts';
import { addStartCommand } from './commands/start.ts';
import { addStatsCommand } from './commands/stats.ts';
import { addStatusCommand } from './commands/status.ts';
import { addUpstreamCommand } from './commands/upstream.ts';
import { addUserCommand } from './commands/user.ts';
import { asSluiceError, Output } from './output.ts';

/** sysexits.h: the command line was used wrongly. */
const usage = 64;

/** Joins a command's function to commander: it is given a context and the command's arguments and options. */
export type Bind = <A extends unknown[]>(run: RunCommand<A>) => (...values: [...A, Command]) => Promise<void>;

function binder(surroundings: Surroundings): Bind {
  return <A extends unknown[]>(run: RunCommand<A>) =>
    async (...values: [...A, Command]) => {
      // Commander appends the command itself to the arguments and options.
      const command = values.at(-1) as Command;
      const context = new CommandContext(surroundings, command);
      try {
        await run(context, ...(values.slice(0, -1) as A));
      } finally {
        await context.close();
      }
    };
}

/** The whole command line. `docs/cli.md` is made from it. */
export function createProgram(surroundings: Surroundings): Command {
  const bind = binder(surroundings);
  const program = new Command('sluice')
    .description('A plugin-based mail relay: takes mail from applications, and relays it with retries.')
    .version(version)
    .option('-c, --config <file>', 'the configuration (default: SLUICE_CONFIG, else configs/sluice.yaml of Sluice)')
    .option('--json', 'answer in JSON, for scripts')
    .option('--url <url>', 'ask the Sluice there, instead of the one that uses this data folder (SLUICE_URL)')
    .option('--token <token>', 'access token for --url; better in SLUICE_TOKEN, which no process list shows')
    .exitOverride()
    .showHelpAfterError('(--help shows what can be typed)')
    .configureOutput({
      writeOut: (text) => void surroundings.stdout.write(text),
      writeErr: (text) => void surroundings.stderr.write(text),
    });
  addStartCommand(program, bind);
  addCheckCommand(program, bind);
  addStatusCommand(program, bind);
  addPluginsCommand(program, bind);
  addUpstreamCommand(program, bind);
  addUserCommand(program, bind);
  addCredentialCommand(program, bind);
  addQueueCommand(program, bind);
  addBlacklistCommand(program, bind);
  addStatsCommand(program, bind);
  addEventsCommand(program, bind);
  addSendCommand(program, bind);
  addConservationCommand(program, bind);
  addMigrateCommand(program, bind);
  addHarakaCommand(program, bind);
  return program;
}

/** Runs one command line; answers the exit code and throws nothing. Codes are those of the error catalogue. */
export async function runCommandLine(words: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    await createProgram(surroundings).parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has said already what was wrong with the command line.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usage;
    const failure = asSluiceError(error);
    new Output(surroundings.stdout, surroundings.stderr, words.includes('--json')).failure(failure);
    return catalogue[failure.code].exit;
  }
}
