import type { Command } from 'commander';
import { resetPlugin } from '../../admin-api/routes/plugins.ts';
import { loadConfiguration } from '../../core/config/load.ts';
import type { PluginEntry } from '../../core/config/schema.ts';
import type { CommandContext } from '../command-context.ts';
import { pluginOrder } from '../plugin-order.ts';
import { pluginSchemas } from '../plugin-schemas.ts';
import type { Bind } from '../program.ts';

const idOf = (entry: PluginEntry): string => entry.id ?? entry.use;

async function plugins(context: CommandContext, options: { order?: true }): Promise<void> {
  const { output, surroundings, configPath } = context;
  const { env, cwd } = surroundings;
  const loaded = await loadConfiguration({ path: configPath, env, cwd, pluginSchemas });
  const { plugins: started, order } = await pluginOrder(loaded);
  const entries = loaded.config.plugins.map((entry) => ({
    id: idOf(entry),
    use: entry.use,
    enabled: entry.enabled,
    listeners: entry.listeners ?? null,
    version: started.find(({ id }) => id === idOf(entry))?.version ?? null,
    summary: started.find(({ id }) => id === idOf(entry))?.summary ?? null,
  }));
  output.result({ plugins: entries, ...(options.order === true ? { order } : {}) }, () => {
    if (options.order === true) {
      output.table(
        [{ title: 'Listener' }, { title: 'Hook' }, { title: 'Plugins, in the order they run', flexible: true }],
        order.map(({ listener, hook, plugins: ids }, index) => [
          index > 0 && order[index - 1]?.listener === listener ? '' : (listener ?? '(worker)'),
          hook,
          ids.join(' → '),
        ]),
      );
      return;
    }
    output.table(
      [
        { title: 'Plugin' },
        { title: 'Version' },
        { title: 'State' },
        { title: 'Listeners', flexible: true },
        { title: 'Does', flexible: true },
      ],
      entries.map(({ id, use, enabled, listeners, version, summary }) => [
        id === use ? id : `${id} (${use})`,
        version ?? '-',
        enabled ? 'on' : 'off',
        listeners === null ? 'all' : listeners.join(', '),
        summary ?? '',
      ]),
    );
  });
}

async function reset(context: CommandContext, id: string): Promise<void> {
  const client = await context.connect('existing');
  const { version } = await client.call(resetPlugin, { params: { plugin: id } });
  context.output.result({ id, version }, () => {
    context.output.line(
      `What the API had set of ${id} is dropped; file and defaults count again (version ${version}).`,
    );
  });
}

export function addPluginsCommand(program: Command, bind: Bind): void {
  const command = program
    .command('plugins')
    .description('The plugins of the configuration; nothing is listened on or sent')
    .option('--order', 'for each listener and hook, the plugins in the order they run')
    .action(bind(plugins));
  command
    .command('reset')
    .description('Drop what the API set of a plugin, running or not')
    .argument('<id>', 'the plugin')
    .action(bind(reset));
}
