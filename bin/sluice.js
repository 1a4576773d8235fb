#!/usr/bin/env node
// Plain JavaScript that even an old Node can read, so that it can say what is missing instead of a syntax error.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const wanted = 24;
if (Number.parseInt(process.versions.node, 10) < wanted) {
  process.stderr.write(
    'Sluice needs Node.js ' +
      wanted +
      ' or newer, and this is ' +
      process.version +
      '. In its folder, `npm start` and `npx sluice` bring the right one; else see https://nodejs.org.\n',
  );
  process.exitCode = 69;
} else {
  Promise.all([import('node:module'), import('node:v8')]).then(([module, v8]) => {
    // For the threads started later: by default V8 lets the young objects of each take up to 128 MB before it looks.
    v8.setFlagsFromString('--max-semi-space-size=4');
    // Kept beside the packages, where only who may change the program may write: what Node makes of the sources is kept
    // for the next start and for every thread. It also keeps the stripper of types, which is WebAssembly, out of threads
    // that come and go: V8 has crashed on that ("Check failed: jit_page.has_value()").
    const cache = fileURLToPath(new URL('../node_modules/.cache/sluice', import.meta.url));
    module.enableCompileCache(cache);
    process.env.NODE_COMPILE_CACHE = cache;
    // A published package holds JavaScript: Node strips no types under node_modules.
    const source = new URL('../cli/main.ts', import.meta.url);
    return import(existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href);
  });
}
