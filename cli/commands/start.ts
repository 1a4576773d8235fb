import { Argument, type Command } from 'commander';
import { loadConfiguration } from '../../core/config/load.ts';
import { noOverlay, type PluginOverlay } from '../../core/config/plugin-overlay.ts';
import { restartNeeded } from '../../core/config/restart-needed.ts';
import { catalogue, SluiceError } from '../../core/domain/errors.ts';
import type { RunningProcess } from '../../processes/running-process.ts';
import type { CommandContext } from '../command-context.ts';
import { asSluiceError } from '../output.ts';
import { pluginSchemas } from '../plugin-schemas.ts';
import type { Bind } from '../program.ts';
import { untilStopped } from '../signals.ts';
import { startSummary } from '../start-summary.ts';

type Kind = 'all' | 'smtp' | 'worker' | 'api';

async function start(context: CommandContext, kind: Kind, options: { acceptLoss?: true }): Promise<void> {
  const { output, surroundings, configPath } = context;
  const { env, cwd } = surroundings;
  const read = (overlay: PluginOverlay) => loadConfiguration({ path: configPath, env, cwd, pluginSchemas, overlay });
  const loaded = await read(noOverlay);
  for (const warning of loaded.warnings) output.warning(warning);
  if (kind !== 'all') {
    throw new SluiceError(
      'MODE_UNSUPPORTED',
      `\`start ${kind}\` runs one part of a cluster. Embedded mode is one process with everything in it: \`sluice start\`.`,
    );
  }
  // Read only now: the other commands need neither the database nor the SMTP server.
  const { startAll } = await import('../../processes/all.ts');
  let unused: string[] = [];
  const readAgain: typeof read = async (...given) => {
    const next = await read(...given);
    unused = restartNeeded(loaded.config, next.config);
    return next;
  };
  const running = await startAll({ loaded, acceptLoss: options.acceptLoss === true, readAgain });
  const reload = async () => {
    await running.reload();
    if (unused.length > 0) output.note(`Changed, but not in force before the next start: ${unused.join(', ')}.`);
  };
  // Signals are heeded from here on, before anything is said.
  const ended = untilStopped(
    { ...running, reload },
    {
      note: (text) => output.note(text),
      failed: (error) => output.failure(asSluiceError(error)),
    },
  );
  await Promise.all([ended, announce(running, context, loaded.config.data_dir)]);
}

async function announce(running: RunningProcess, context: CommandContext, dataDirectory: string): Promise<void> {
  const { output } = context;
  const { roles, listeners, api, controlSocket, observability, upstreams, capture } = running;
  if (output.json) {
    const { pid } = process;
    const where = { roles, listeners, api, controlSocket, observability };
    output.line(JSON.stringify({ started: true, pid, ...where, upstreams, capture }));
    return;
  }
  for (const line of await startSummary(running, dataDirectory)) output.line(line);
}

export function addStartCommand(program: Command, bind: Bind): void {
  const kind = new Argument('[part]', 'what to run').choices(['all', 'smtp', 'worker', 'api']).default('all');
  program
    .command('start')
    .description('Run Sluice until SIGTERM or Ctrl-C; SIGHUP reads the configuration and certificates again')
    .addArgument(kind)
    .option('--accept-loss', 'start although the database holds less than was accepted')
    .addHelpText('after', exitCodes)
    .action(bind(start));
}

const exitCodes = `
Exit codes: ${[...new Set(Object.values(catalogue).map(({ exit }) => exit))].sort().join(', ')} as in sysexits.h, 0 after an orderly stop.`;
