import type { Logger } from '../../../core/observability/log.ts';

const packages = /[\\/]node_modules[\\/]/;
let installed = false;

/**
 * Some of Haraka's libraries print ("loaded TLD files …"), some of it long after they were loaded. Standard output is this
 * program's log, one JSON object a line, so that what packages print becomes lines of that from now on.
 */
export function packagesPrintTo(log: Logger): void {
  if (installed) return;
  installed = true;
  const { log: print } = console;
  console.log = (...words: unknown[]) => {
    // The frames: this function, then whoever called it.
    const caller = new Error().stack?.split('\n')[2] ?? '';
    if (packages.test(caller)) log.debug({ haraka: 'print' }, words.map(String).join(' '));
    else print(...words);
  };
}
