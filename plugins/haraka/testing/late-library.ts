import { registerHooks } from 'node:module';
import { pino } from 'pino';
import { harakaProcess } from '../host/haraka-process.ts';

/**
 * Run as a program, since Vitest remembers of a failed import that it failed: asks for Haraka's process in the folder
 * `argv[2]` while one of its libraries is missing, and twice more when it is there. Prints how each ended.
 */
const log = pino({ level: 'silent' });
const missing = registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'haraka-net-utils') throw new Error('it is not installed yet');
    return next(specifier, context);
  },
});
const ask = () => harakaProcess(String(process.argv[2]), log);
const first = await ask().catch((error: Error) => error.message);
missing.deregister();
const second = await ask();
process.stdout.write(JSON.stringify([first, 'libraries' in second, second === (await ask())]));
