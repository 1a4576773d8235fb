import type { PlannedGroups } from '../../harness/describe-planned.ts';
import {
  type AnswerCode,
  answerCodes,
  type PlannedCase,
  type SessionHook,
  sessionHooks,
} from '../../harness/planned.ts';
import { denies, formsFor } from './forms.ts';
import { meeting } from './scripts.ts';

const answersOf = (hook: SessionHook): readonly AnswerCode[] => {
  // Haraka does not answer any more where a `deny` hook itself denies: it calls itself until the stack is full.
  if (hook === 'deny') return answerCodes.filter((code) => !denies(code));
  // Its words are the name of a hook: see next-hook.ts.
  if (hook === 'unrecognized_command') return answerCodes.filter((code) => code !== 'NEXT_HOOK' && code !== 'OK');
  return answerCodes;
};

/** Runs for messages above the limit only, and not here: see the deviations. */
const hooks = sessionHooks.filter((hook) => hook !== 'max_data_exceeded');

/** `queue` takes a DSN for its words alone, so that the enhanced code in them may be of another class than the reply. */
const otherClass = (hook: SessionHook, code: AnswerCode, form: string): Pick<PlannedCase, 'shows'> => {
  if (!hook.startsWith('queue') || hook === 'queue_ok' || form !== 'a DSN of the other class') return {};
  const [sent, theirs, ours] = code.startsWith('DENYSOFT') ? [450, 5, 4] : [550, 4, 5];
  const end = '.1.1 Words of a DSN (<uuid>)';
  return {
    shows: {
      deviation: 'An enhanced code',
      differences: [
        [
          'reply 4 to DATA … .',
          `354 go ahead, make my day; ${sent} ${theirs}${end}`,
          `354 End data with <CR><LF>.<CR><LF>; ${sent} ${ours}${end}`,
        ],
      ],
    },
  };
};

const casesOf = (hook: SessionHook, code: AnswerCode): PlannedCase[] =>
  Object.entries(formsFor(hook, code)).map(([form, words]) => ({
    ...meeting(hook, `${hook} ${code}, ${form}`, words === undefined ? { code } : { code, words }),
    ...otherClass(hook, code, form),
  }));

export const hookMatrix: PlannedGroups = Object.fromEntries(
  hooks.flatMap((hook) => answersOf(hook).map((code) => [`${hook} ${code}`, casesOf(hook, code)])),
);
