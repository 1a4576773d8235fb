#!/usr/bin/env node
// Plain JavaScript that even an old Node can read, so that it can say what is missing instead of a syntax error.
import { existsSync } from 'node:fs';

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
  // A published package holds JavaScript: Node strips no types under node_modules.
  const source = new URL('../cli/main.ts', import.meta.url);
  import(existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href);
}
