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

/** Haraka does not answer any more where a `deny` hook itself denies: it calls itself until the stack is full. */
const answersOf = (hook: SessionHook): readonly AnswerCode[] =>
  hook === 'deny' ? answerCodes.filter((code) => !denies(code)) : answerCodes;

/** Runs for messages above the limit only, and not here: see the deviations. */
const hooks = sessionHooks.filter((hook) => hook !== 'max_data_exceeded');

const casesOf = (hook: SessionHook, code: AnswerCode): PlannedCase[] =>
  Object.entries(formsFor(code)).map(([form, words]) =>
    meeting(hook, `${hook} ${code}, ${form}`, words === undefined ? { code } : { code, words }),
  );

export const hookMatrix: PlannedGroups = Object.fromEntries(
  hooks.flatMap((hook) => answersOf(hook).map((code) => [`${hook} ${code}`, casesOf(hook, code)])),
);
