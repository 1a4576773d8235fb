import { denials } from './cases/probe/denials.ts';
import { failing } from './cases/probe/failing.ts';
import { meantOtherwise } from './cases/probe/meant.ts';
import { messagesOfPlugins } from './cases/probe/messages.ts';
import { commandsOfPlugins } from './cases/probe/next-hook.ts';
import { stateOfPlugins } from './cases/probe/state.ts';
import { describePlanned } from './harness/describe-planned.ts';

describePlanned('what a plugin may do in a session', {
  ...denials,
  ...commandsOfPlugins,
  ...failing,
  ...messagesOfPlugins,
  ...stateOfPlugins,
  ...meantOtherwise,
});
