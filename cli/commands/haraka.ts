import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { duration } from '../../core/config/units.ts';
import { SluiceError } from '../../core/domain/errors.ts';
import type { CommandContext } from '../command-context.ts';
import { showHarakaReport } from '../haraka-report.ts';
import type { Bind } from '../program.ts';

interface Options {
  readonly write?: string;
  /** Milliseconds. */
  readonly timeout?: number;
}

async function check(context: CommandContext, { write, timeout = 30_000 }: Options): Promise<void> {
  const { output, surroundings, configPath: folder } = context;
  if (folder === undefined) {
    throw new SluiceError('REQUEST_INVALID', 'name the folder that `haraka -c` is given: --config /etc/haraka');
  }
  // Read only now: no other command needs it.
  const { checkFolder } = await import('../../plugins/haraka/check/check-folder.ts');
  const { willRun } = await import('../../plugins/haraka/check/report.ts');
  const report = await checkFolder({
    folder,
    cwd: surroundings.cwd,
    env: surroundings.env,
    timeout,
    progress: (done, total, plugin) => output.progress(`${done} of ${total}: ${plugin}`),
  });
  output.progress('');
  const file = write === undefined ? null : resolve(surroundings.cwd, write);
  if (file !== null) writeNew(file, report.fragment);
  output.result({ ...report, written: file }, () => showHarakaReport(output, report, file));
  const others = report.plugins.filter((plugin) => !willRun(plugin)).map(({ listed }) => listed);
  if (others.length > 0) {
    throw new SluiceError(
      'HARAKA_PLUGINS_UNUSABLE',
      `${others.length} of ${report.plugins.length} will not: ${others.join(', ')}`,
    );
  }
}

/** A configuration that is there is somebody's work: it is not written over. */
function writeNew(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'wx' });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    throw new SluiceError('CONFLICT', exists ? `${file} exists: name another file` : reason, { cause: error });
  }
}

function span(text: string): number {
  const result = duration().safeParse(text);
  if (!result.success) throw new InvalidArgumentError('expected a span of time such as 30s');
  return result.data;
}

export function addHarakaCommand(program: Command, bind: Bind): void {
  const command = program.command('haraka').description('From Haraka to Sluice');
  command
    .command('check')
    .description(
      'Read the folder of a Haraka and say, plugin by plugin, what will run here, what not and why, and which settings of its ' +
        'server become which of Sluice; each plugin is loaded and registered in a process of its own, nothing else is started. ' +
        'Exit code 1: not all will run',
    )
    // Read as the option of every command; here it names a folder.
    .option('-c, --config <dir>', 'the folder that `haraka -c` is given; required')
    .option(
      '--write <file>',
      'write the sluice.yaml that does the same there, instead of showing it; never over a file',
    )
    .option('--timeout <span>', 'how long one plugin may take to load and register (default: 30s)', span)
    .action(bind(check));
}
