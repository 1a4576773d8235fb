import type { Command } from 'commander';
import { type LoadedConfiguration, loadConfiguration } from '../../core/config/load.ts';
import { redact } from '../../core/config/redact.ts';
import type { Problem } from '../../core/domain/errors.ts';
import { driftedSettings } from '../../core/settings/setting-drift.ts';
import type { CommandContext } from '../command-context.ts';
import { pluginSchemas } from '../plugin-schemas.ts';
import type { Bind } from '../program.ts';
import { counted } from '../text.ts';

/** The configuration as a start would read it, and how far the file and what the API set have come apart. */
interface Checked {
  readonly loaded: LoadedConfiguration;
  readonly drift: readonly { readonly plugin: string; readonly settings: readonly string[] }[];
}

/** First without what the API set: it says where the data folder is. */
async function read({ surroundings, configPath }: CommandContext): Promise<Checked> {
  const { env, cwd } = surroundings;
  const file = { path: configPath, env, cwd, pluginSchemas };
  const written = await loadConfiguration(file);
  // Read only now: it brings SQLite with it.
  const { storedSettings } = await import('../../processes/stored-settings.ts');
  const stored = await storedSettings(written.config);
  if (stored === null) return { loaded: written, drift: [] };
  const loaded = await loadConfiguration({ ...file, overlay: stored.opened });
  const drift = Object.keys(stored.overlay.plugins)
    .filter((plugin) => !loaded.dormant.includes(plugin))
    .map((plugin) => ({ plugin, settings: driftedSettings(plugin, stored.overlay, loaded, stored.fingerprint) }));
  return { loaded, drift: drift.filter(({ settings }) => settings.length > 0) };
}

const driftWarnings = ({ loaded, drift }: Checked): Problem[] => [
  ...drift.flatMap(({ plugin, settings }) =>
    settings.map((path) => ({
      path: `plugins.${plugin}.${path}`,
      message: `changed in the file after the API set it; what the API set is in force (sluice plugins reset ${plugin} drops it)`,
    })),
  ),
  ...loaded.dormant.map((place) => ({
    path: `plugins.${place}`,
    message: `was set by the API, and the file does not name it (sluice plugins reset ${place.split('.', 1)[0]} drops it)`,
  })),
];

async function check(context: CommandContext, options: { show?: true }): Promise<void> {
  const { output } = context;
  const checked = await read(context);
  const { loaded, drift } = checked;
  const settings = await redact(loaded, pluginSchemas);
  const shown = options.show === true ? { settings: settings.map(({ origin: _, ...setting }) => setting) } : {};
  const { file, warnings, dormant } = loaded;
  output.result({ valid: true, file, warnings, drift, dormant, ...shown }, () => {
    if (options.show === true) {
      output.table(
        [{ title: 'Setting' }, { title: 'Value', flexible: true }, { title: 'From' }],
        settings.map(({ path, value, from }) => [path, value, from]),
      );
      output.line();
    }
    const all = [...warnings, ...driftWarnings(checked)];
    for (const warning of all) output.warning(warning);
    output.line(`${file} is valid${all.length === 0 ? '' : `, with ${counted(all.length, 'warning')}`}.`);
  });
}

export function addCheckCommand(program: Command, bind: Bind): void {
  program
    .command('check')
    .description('Check the configuration, the settings of plugins and what the API set of them; nothing is started')
    .option('--show', 'list every setting in force and where it comes from; secrets are hidden')
    .action(bind(check));
}
