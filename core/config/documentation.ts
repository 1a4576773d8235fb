import { environmentWord, isEntryKey } from './environment-names.ts';
import { expectation } from './expectation.ts';
import type { DocumentedPlugin } from './json-schema.ts';
import { smtpPortName, upstreamNames } from './original-names.ts';
import { configSchema } from './schema.ts';
import { isKeyedList, itemsOf, propertiesOf, type SchemaNode, schemaNode } from './schema-node.ts';

/** One line of a table: a setting that has no settings inside. */
interface Row {
  readonly key: string;
  readonly node: SchemaNode;
  /** Undefined where the environment cannot set it. */
  readonly environment: string | undefined;
  readonly required: boolean;
}

interface Section {
  readonly title: string;
  readonly about: string | undefined;
  readonly rows: Row[];
}

const inCell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (text: string): string => `\`${inCell(text)}\``;

function defaultOf({ node, required }: Row): string {
  if (node.default !== undefined) return code(JSON.stringify(node.default).replaceAll('"', ''));
  return required ? 'required' : 'none';
}

function rowText(row: Row): string {
  const { key, node, environment } = row;
  const names = [...new Set([environment, node.env].filter((name) => name !== undefined))];
  const cells = [
    code(key),
    inCell(expectation(node)),
    defaultOf(row),
    names.length === 0 ? 'not from there' : names.map(code).join('<br>'),
    inCell(node.description ?? ''),
  ];
  return `| ${cells.join(' | ')} |`;
}

const sectionText = ({ title, about, rows }: Section): string =>
  [
    `### ${title}`,
    ...(about === undefined ? [] : ['', about]),
    '',
    '| key | takes | default | environment | meaning |',
    '|---|---|---|---|---|',
    ...rows.map(rowText),
  ].join('\n');

/** Sections of a group of settings: what stands in it directly, then each group and named list inside. */
function sections(title: string, node: SchemaNode, words: readonly string[], entry = false): Section[] {
  const required = new Set(node.required);
  const rows: Row[] = [];
  const inner: Section[] = [];
  for (const [key, child] of Object.entries(propertiesOf(node))) {
    const name = title === '' ? key : `${title}.${key}`;
    const own = [...words, environmentWord(key)];
    const items = itemsOf(child);
    if (items !== undefined && isKeyedList(child)) {
      inner.push(...sections(`${name}[]`, items, [...own, name === 'plugins' ? '<ID>' : '<NAME>'], true));
    } else if (Object.keys(propertiesOf(child)).length > 0) inner.push(...sections(name, child, own));
    else {
      // What names an entry cannot be changed by its name.
      const environment = entry && isEntryKey(key) ? undefined : `SLUICE_${own.join('__')}`;
      rows.push({ key, node: child, environment, required: required.has(key) });
    }
  }
  const about = node.description;
  const direct = rows.length === 0 ? [] : [{ title: title === '' ? 'Top level' : title, about, rows }];
  return [...direct, ...inner];
}

const introduction = `# Configuration

Made from the schema by \`npm run generate\`; do not edit.

Sluice reads one annotated file, [configs/sluice.yaml](../configs/sluice.yaml), or the one that \`--config\` or
\`SLUICE_CONFIG\` names. \`sluice check\` validates it; \`sluice check --show\` lists what is in force and where it comes from.

- **Precedence:** environment, then what was changed through the API, then the file, then the default.
- **Names in the environment:** \`SLUICE_\` and the path in capitals, \`__\` between levels, anything but letters and
  digits as \`_\`. Entries of named lists go by their name (\`SLUICE_SMTP__LISTENERS__RELAY__PORT\`), settings of a plugin
  right under its id (\`SLUICE_PLUGINS__QUOTA__TIME_ZONE\`). Entries have to be in the file for the environment to change
  them; a whole list can be given as JSON. Empty variables count as not set.
- **Lists** in the environment are separated by commas or written as JSON. Booleans are true or false.
- **Files:** \`NAME_FILE\` reads the value of \`NAME\` from a file, for every name below.
- **Paths** in the file count from the file's folder, those in the environment and \`data_dir\` from where Sluice was started.
- A wrong value stops the start with its line, what was found and what was expected; a \`SLUICE_\` name that sets nothing is warned of.`;

const originals = (): string =>
  [
    '## Names of the original service',
    '',
    'The service that Sluice re-creates had names of its own. They work as they did; those that point into lists:',
    '',
    '| name | sets |',
    '|---|---|',
    `| \`${smtpPortName}\` | the port of the first listener |`,
    ...Object.entries(upstreamNames).map(
      ([name, key]) => `| \`${name}\` | \`${key}\` of the upstream \`default\` of the plugin \`delivery\` |`,
    ),
  ].join('\n');

/** docs/configuration.md: a table a section, those of the shipped plugins at the end. */
export function configurationDocument(plugins: readonly DocumentedPlugin[]): string {
  const core = sections('', schemaNode(configSchema), []).map(sectionText);
  const own = plugins.map(({ name, summary, config }) => {
    const title = `plugins ${name}`;
    const found = sections('config', schemaNode(config), ['PLUGINS', environmentWord(name)]);
    const tables = found.map((section) =>
      sectionText({ ...section, title: `${title}: ${section.title}`, about: undefined }),
    );
    return [
      `## Plugin \`${name}\``,
      '',
      summary,
      '',
      tables.length === 0 ? 'It has no settings.' : tables.join('\n\n'),
    ].join('\n');
  });
  return `${[introduction, '## Settings', ...core, originals(), ...own].join('\n\n')}\n`;
}
