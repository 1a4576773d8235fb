import type { Command } from 'commander';
import { loadConfiguration } from '../../core/config/load.ts';
import { redact } from '../../core/config/redact.ts';
import type { CommandContext } from '../command-context.ts';
import { pluginSchemas } from '../plugin-schemas.ts';
import type { Bind } from '../program.ts';
import { counted } from '../text.ts';

async function check({ output, surroundings, configPath }: CommandContext, options: { show?: true }): Promise<void> {
  const { env, cwd } = surroundings;
  const loaded = await loadConfiguration({ path: configPath, env, cwd, pluginSchemas });
  const settings = await redact(loaded, pluginSchemas);
  const shown = options.show === true ? { settings: settings.map(({ origin: _, ...setting }) => setting) } : {};
  output.result({ valid: true, file: loaded.file, warnings: loaded.warnings, ...shown }, () => {
    if (options.show === true) {
      output.table(
        [{ title: 'Setting' }, { title: 'Value', flexible: true }, { title: 'From' }],
        settings.map(({ path, value, from }) => [path, value, from]),
      );
      output.line();
    }
    for (const warning of loaded.warnings) output.warning(warning);
    const count = loaded.warnings.length;
    output.line(`${loaded.file} is valid${count === 0 ? '' : `, with ${counted(count, 'warning')}`}.`);
  });
}

export function addCheckCommand(program: Command, bind: Bind): void {
  program
    .command('check')
    .description('Check the configuration, the settings of plugins included; nothing is started')
    .option('--show', 'list every setting in force and where it comes from; secrets are hidden')
    .action(bind(check));
}
