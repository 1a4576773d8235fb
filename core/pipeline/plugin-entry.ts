import { registerHooks } from 'node:module';
import { moduleBeside } from '../domain/module-beside.ts';

const entry = moduleBeside('./plugin', import.meta.url).href;
let opened = false;

/**
 * From now on `sluice/plugin` is the entry of this very copy for whatever this thread imports, wherever it lies: a
 * plugin by path has no node_modules with Sluice above it, and a package may bring another copy. Once a thread.
 */
export function openPluginEntry(): void {
  if (opened) return;
  opened = true;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'sluice/plugin' ? { url: entry, shortCircuit: true } : next(specifier, context),
  });
}
