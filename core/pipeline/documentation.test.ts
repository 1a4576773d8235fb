import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type HookName, hookTable } from './hooks.ts';
import { createPluginLoader } from './load-plugin.ts';
import { contractVersion } from './plugin.ts';
import { services } from './services.ts';

const page = readFileSync(new URL('../../docs/plugins.md', import.meta.url), 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| `'));
const cells = (line: string) => line.split('|').map((cell) => cell.trim());

/** Where a first hook of the worker that fails does not defer. */
const notDeferred: { readonly [K in HookName]?: string } = { outcome: 'as delivered' };

describe('docs/plugins.md', () => {
  it.each(Object.keys(hookTable) as HookName[])('tells the truth about the hook %s', (hook) => {
    const row = rows.map(cells).find((columns) => columns[1] === `\`${hook}\``);
    const { kind, role, fallback } = hookTable[hook];
    const unanswered = kind === 'observer' ? '' : (notDeferred[hook] ?? 'deferred');
    const said = fallback === null ? unanswered : `\`${fallback.code} ${fallback.enhanced}\``;
    expect([row?.[2], row?.[3], row?.[7]]).toEqual([kind, role, said]);
  });

  it('names no hook that does not exist', () => {
    const named = rows
      .map(cells)
      .filter((columns) => columns.length === 9)
      .map((columns) => columns[1]?.slice(1, -1));
    expect(named.toSorted()).toEqual(Object.keys(hookTable).toSorted());
  });

  it('names every service, and the contract version', () => {
    for (const name of Object.keys(services)) expect(page).toContain(`\`services.${name}\``);
    expect(page).toContain(`Sluice loads its own (now ${contractVersion})`);
  });
});

it('the template loads as it stands, by the entry that its own page shows', async () => {
  const readme = readFileSync(new URL('../../plugins/_template/README.md', import.meta.url), 'utf8');
  const [entry] = parse(/```yaml\n([\s\S]*?)```/.exec(readme)?.[1] ?? '').plugins;
  const load = createPluginLoader({ shipped: {}, folder: fileURLToPath(new URL('../../configs', import.meta.url)) });
  const plugin = await load(entry.use);
  expect(plugin.name).toBe(entry.id);
  expect(plugin.config.safeParse(entry.config)).toMatchObject({ success: true });
});
