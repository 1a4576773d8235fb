import { stringify } from 'yaml';
import type { FolderReport, PluginReport, PluginResult, ServerSetting } from '../plugins/haraka/check/report.ts';
import type { Output } from './output.ts';

const words: Readonly<Record<PluginResult, string>> = {
  runs: 'runs',
  partly: 'runs in part',
  idle: 'has no effect',
  fails: 'fails',
  missing: 'missing',
};

/** The report for people: plugins, what to do about them, settings of the server, the configuration. */
export function showHarakaReport(output: Output, report: FolderReport, written: string | null): void {
  const { home, haraka, plugins, server, fragment } = report;
  output.pairs([
    ['Folder', home],
    [
      'Haraka',
      haraka === null ? `not installed: cd ${home} && npm install Haraka` : `${haraka.version ?? '?'}, ${haraka.path}`,
    ],
  ]);
  output.line();
  output.table(
    [{ title: 'Plugin' }, { title: 'Here' }, { title: 'Found' }, { title: 'Hooks that run', flexible: true }],
    plugins.map((plugin) => [nameOf(plugin), words[plugin.result], foundOf(plugin), plugin.hooks.join(', ')]),
  );
  for (const plugin of plugins) showRemarks(output, plugin);
  if (server.length > 0) {
    output.line();
    output.table(
      [
        { title: "Setting of Haraka's server" },
        { title: 'Value', flexible: true },
        { title: 'In Sluice', flexible: true },
      ],
      server.map((row) => [placeOf(row), row.value, meaningOf(row)]),
    );
  }
  output.line();
  if (written === null) output.line(`${output.paint('bold', 'sluice.yaml')}\n${fragment.trimEnd()}`);
  else output.line(`${written} is written: sluice check --config ${written}`);
}

const nameOf = ({ listed, name, renamed }: PluginReport): string => (renamed ? `${listed} → ${name}` : listed);

const foundOf = ({ found }: PluginReport): string => {
  if (found === null) return '-';
  const kind = found.kind === 'core' ? 'Haraka' : found.kind;
  return found.version === null ? kind : `${kind} ${found.version}`;
};

function remarksOf({ reason, advice, uncalled, needs, settings, said }: PluginReport): string[] {
  return [
    ...(reason === null ? [] : [reason]),
    ...(advice === null ? [] : [`do: ${advice}`]),
    ...uncalled.map(({ hook, why }) => `${hook} never runs: ${why}`),
    ...needs.map(
      ({ what, where, present }) =>
        `needs ${what}${where === null ? '' : `: ${where}`}${present === false ? ' (not found)' : ''}`,
    ),
    ...(settings.length === 0 ? [] : [`reads config/${settings.join(', config/')}`]),
    ...said.map((line) => `says: ${line}`),
  ];
}

function showRemarks(output: Output, plugin: PluginReport): void {
  const remarks = remarksOf(plugin);
  if (remarks.length === 0) return;
  output.line();
  output.line(output.paint('bold', nameOf(plugin)));
  output.pairs(remarks.map((remark) => ['', remark]));
}

const placeOf = ({ file, setting }: ServerSetting): string => (setting === null ? file : `${file} ${setting}`);

function meaningOf({ becomes, note }: ServerSetting): string {
  if (becomes === null) return note ?? '-';
  return `${becomes.path}: ${shown(becomes.value)}${note === null ? '' : ` (${note})`}`;
}

/** Of a list of named things the names; they stand in the configuration below. */
function shown(value: unknown): string {
  if (Array.isArray(value) && value.every((each) => typeof each === 'object' && each !== null && 'name' in each)) {
    return value.map(({ name }: { readonly name: string }) => name).join(', ');
  }
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 })
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ');
}
