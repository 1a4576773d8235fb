import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const readme = 'plugins/haraka/README.md';
const results = 'tests/haraka/results';
const begin = '<!-- generated: supported plugins -->';
const end = '<!-- end -->';

interface PluginResult {
  readonly plugin: string;
  readonly version: string;
  readonly cases: number;
  readonly differences: number;
}

/** The bridge's README with the table of plugins that the tests beside a real Haraka have written results of. */
export function harakaReadme(repository: string): [path: string, text: string] {
  const folder = join(repository, results);
  const rows = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name): PluginResult => JSON.parse(readFileSync(join(folder, name), 'utf8')))
    .sort((one, other) => (one.plugin < other.plugin ? -1 : 1));
  const table = [
    '| plugin | version | cases | that differ from Haraka |',
    '|---|---|---|---|',
    ...rows.map(({ plugin, version, cases, differences }) => `| ${plugin} | ${version} | ${cases} | ${differences} |`),
  ];
  const text = readFileSync(join(repository, readme), 'utf8');
  const [before, rest = ''] = text.split(begin);
  const after = rest.slice(rest.indexOf(end));
  if (!after.startsWith(end)) throw new Error(`${readme} lacks the marks ${begin} and ${end}`);
  const about =
    `Each plugin's cases (\`tests/haraka/cases\`) were played to a real Haraka with and without the plugin, and to Sluice; a case ` +
    'counts only if the plugin changes its outcome. Written by that run.';
  return [readme, `${before}${begin}\n${about}\n\n${table.join('\n')}\n${after}`];
}
