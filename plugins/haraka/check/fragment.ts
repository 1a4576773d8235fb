import { Document, isMap, stringify } from 'yaml';
import { listenersOf } from './listeners.ts';
import { type PluginReport, type ServerSetting, willRun } from './report.ts';
import type { ServerFiles } from './server-files.ts';
import { forwardedTo } from './upstreams.ts';

/** What the fragment is made from. */
export interface FragmentSource {
  readonly home: string;
  readonly files: ServerFiles;
  readonly plugins: readonly PluginReport[];
  readonly server: readonly ServerSetting[];
}

type Tree = { [key: string]: unknown };

/** Sets `smtp.limits.size` in a tree. Paths with `*` are of a list, whose entries have them already. */
function set(tree: Tree, path: string, value: unknown): void {
  if (path.includes('*')) return;
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let place = tree;
  for (const key of keys) {
    const inner = place[key] ?? {};
    place[key] = inner;
    place = inner as Tree;
  }
  const held = place[last];
  const both = typeof held === 'object' && held !== null && typeof value === 'object' && !Array.isArray(value);
  place[last] = both ? { ...held, ...value } : value;
}

/** A whole `sluice.yaml` that answers where this Haraka does, with its plugins in one bridge. */
export function fragmentOf({ home, files, plugins, server }: FragmentSource): string {
  const running = [...new Set(plugins.filter(willRun).map(({ name }) => name))];
  const tree: Tree = {};
  for (const { becomes } of server) if (becomes !== null) set(tree, becomes.path, becomes.value);
  set(tree, 'smtp.listeners', listenersOf(files, running));
  const forwarded = forwardedTo(files, running);
  const upstreams = forwarded.filter(({ outbound }) => outbound).map(({ upstream }) => upstream);
  tree.plugins = [
    { use: 'haraka', may_grant: true, config: { config_dir: home, plugins: running } },
    { use: 'delivery', ...(upstreams.length === 0 ? {} : { config: { upstreams } }) },
  ];
  const document = new Document(tree, { aliasDuplicateObjects: false });
  document.commentBefore = ` Sluice in the place of the Haraka in ${home}, made by \`sluice haraka check\`.\n Read it before it is used: docs/moving-from-haraka.md.`;
  comment(document, 0, bridgeRemarks(plugins));
  comment(document, 1, deliveryRemarks(forwarded));
  return document.toString({ lineWidth: 100 });
}

function comment(document: Document, plugin: number, lines: readonly string[]): void {
  const entry = document.getIn(['plugins', plugin], true);
  if (isMap(entry) && lines.length > 0) entry.commentBefore = lines.map((line) => ` ${line}`).join('\n');
}

const bridgeRemarks = (plugins: readonly PluginReport[]): string[] =>
  plugins
    .filter((plugin) => !willRun(plugin))
    .map(
      ({ listed, reason, advice }) =>
        `left out: ${listed}: ${[reason, advice].filter((each) => each !== null).join('; ')}`,
    );

function deliveryRemarks(forwarded: ReturnType<typeof forwardedTo>): string[] {
  const [first] = forwarded;
  const lines = forwarded.some(({ password }) => password)
    ? ['The password is not copied: UPSTREAM_SMTP_PASSWORD (or _FILE) in the environment.']
    : [];
  if (first?.outbound === true) {
    return [
      ...lines,
      'The forwarding plugin still hands mail on while the client waits. Taken out of `plugins` above, mail is',
      'stored first and goes the same way, with retries.',
    ];
  }
  const none = [
    'Mail of clients that may relay: Haraka sends it to the MX hosts of each domain, Sluice to an upstream, such as a',
    'Postfix or a provider. None is named: such mail is kept in the capture box and sent to nobody.',
  ];
  if (first === undefined) return none;
  const suggestion = stringify({ upstreams: forwarded.map(({ upstream }) => upstream) })
    .trimEnd()
    .split('\n');
  return [
    ...lines,
    ...none,
    'What the forwarding plugin hands on while the client waits would be stored first, and tried again, by these upstreams (with',
    'recipient_domains), once the plugin is taken out of `plugins` above:',
    ...suggestion.map((line) => `  ${line}`),
  ];
}
