import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { expect, test } from 'vitest';
import { calledHooks, uncalledHooks } from './uncalled-hooks.ts';

/** Names of hooks that stand in calls of the runner, anywhere in the bridge. */
function hooksInSource(): Set<string> {
  const folder = join(import.meta.dirname, '..');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith(`check${sep}`),
  );
  const calls = files.flatMap((file) => [
    ...readFileSync(join(folder, file), 'utf8').matchAll(/(?:runner|this)\.(?:run|has|longest)\(([^;]*?)\)/g),
    ...readFileSync(join(folder, file), 'utf8').matchAll(/within\(([^;]*?)\)/g),
  ]);
  return new Set(calls.flatMap(([, words = '']) => [...words.matchAll(/'([a-z_]+)'/g)].map(([, hook = '']) => hook)));
}

test('what the bridge calls by name is known as called, and nothing else is', () => {
  const inSource = hooksInSource();
  expect(inSource.size).toBeGreaterThan(20);
  for (const hook of inSource) expect(calledHooks, hook).toContain(hook);
  for (const hook of calledHooks) expect(inSource, hook).toContain(hook);
});

test('hooks that are never called are told with the reason, once a child is not prepared as a master is', () => {
  expect(uncalledHooks(['mail', 'init_http', 'made_up']).map(({ hook }) => hook)).toEqual(['init_http', 'made_up']);
  expect(uncalledHooks(['init_child'])).toEqual([{ hook: 'init_child', why: expect.stringContaining('init_master') }]);
  expect(uncalledHooks(['init_master', 'init_child'])).toEqual([]);
  expect(uncalledHooks(['max_data_exceeded'])[0]?.why).toContain('smtp.limits.size');
});
