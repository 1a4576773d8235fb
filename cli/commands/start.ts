import cluster from 'node:cluster';
import { Argument, type Command } from 'commander';
import { loadConfiguration } from '../../core/config/load.ts';
import { noOverlay, type PluginOverlay } from '../../core/config/plugin-overlay.ts';
import { restartNeeded } from '../../core/config/restart-needed.ts';
import { catalogue, SluiceError } from '../../core/domain/errors.ts';
import type { RunningProcess, StartOptions } from '../../processes/running-process.ts';
import type { CommandContext } from '../command-context.ts';
import { asSluiceError, Output, silence } from '../output.ts';
import { pluginSchemas } from '../plugin-schemas.ts';
import type { Bind } from '../program.ts';
import { untilStopped } from '../signals.ts';
import { startSummary } from '../start-summary.ts';

type Kind = 'all' | 'smtp' | 'worker' | 'api';

async function start(context: CommandContext, kind: Kind, options: { acceptLoss?: true }): Promise<void> {
  const { surroundings, configPath } = context;
  // Of several processes that take mail on one machine the primary speaks.
  const output = cluster.isWorker ? new Output(silence(), silence(), false) : context.output;
  const { env, cwd } = surroundings;
  const read = (overlay: PluginOverlay) => loadConfiguration({ path: configPath, env, cwd, pluginSchemas, overlay });
  const loaded = await read(noOverlay);
  for (const warning of loaded.warnings) output.warning(warning);
  const inCluster = loaded.config.mode === 'cluster';
  if (kind !== 'all' && !inCluster) {
    throw new SluiceError(
      'MODE_UNSUPPORTED',
      `\`start ${kind}\` runs one part of a cluster. Embedded mode is one process with everything in it: \`sluice start\`.`,
    );
  }
  if (kind === 'all' && loaded.config.smtp.processes !== 1)
    output.note(`smtp.processes is not heeded: ${oneProcess(inCluster)}`);
  let latest = loaded;
  const readAgain: typeof read = async (...given) => {
    latest = await read(...given);
    return latest;
  };
  const startOptions = { loaded, acceptLoss: options.acceptLoss === true, readAgain };
  const running = await (inCluster ? startPart(kind, startOptions) : startWhole(startOptions));
  const reload = async () => {
    await running.reload();
    for (const warning of latest.warnings) output.warning(warning);
    const unused = restartNeeded(loaded.config, latest.config);
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
  await Promise.all([ended, announce(running, output, loaded.config.data_dir)]);
}

const oneProcess = (inCluster: boolean): string =>
  inCluster
    ? 'only `sluice start smtp` runs several processes.'
    : 'embedded mode is one process by design. Several share the work in cluster mode (docs/operations.md).';

// Read only when they are needed: the other commands need neither the database nor the SMTP server.
async function startWhole(options: StartOptions): Promise<RunningProcess> {
  const { startAll } = await import('../../processes/all.ts');
  return startAll(options);
}

async function startPart(kind: Kind, options: StartOptions): Promise<RunningProcess> {
  if (kind === 'smtp') {
    const { startSmtp } = await import('../../processes/cluster/machine/start-smtp.ts');
    return startSmtp(options);
  }
  const { startCluster } = await import('../../processes/cluster/start-cluster.ts');
  return startCluster(kind === 'all' ? ['smtp', 'worker', 'api'] : [kind], options);
}

async function announce(running: RunningProcess, output: Output, dataDirectory: string): Promise<void> {
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
