import { denials } from './cases/probe/denials.ts';
import { commandsOfPlugins } from './cases/probe/next-hook.ts';
import { describePlanned } from './harness/describe-planned.ts';

describePlanned('what a plugin may do in a session', { ...denials, ...commandsOfPlugins });
