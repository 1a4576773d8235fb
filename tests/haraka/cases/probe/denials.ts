import type { PlannedGroups } from '../../harness/describe-planned.ts';
import { type AnswerCode, type PlannedAnswer, type SessionHook, sessionHooks } from '../../harness/planned.ts';
import { meeting } from './scripts.ts';

const hooks = sessionHooks.filter((hook) => hook !== 'deny' && hook !== 'max_data_exceeded');
const codes: readonly AnswerCode[] = ['DENY', 'DENYSOFT', 'DENYDISCONNECT', 'DENYSOFTDISCONNECT'];

const pardons: Readonly<Record<string, PlannedAnswer>> = {
  'taken back': { code: 'OK' },
  'taken back with words': { code: 'OK', words: 'Words of the pardon' },
  'heard by a hook that stops': { code: 'STOP', words: 'Words that nobody hears' },
};

const casesOf = (hook: SessionHook) =>
  codes.flatMap((code) =>
    Object.entries(pardons).map(([how, deny]) =>
      meeting(hook, `${hook} ${code}, ${how}`, { code, words: 'Words of a denial' }, { deny }),
    ),
  );

/** Every denial is put to the `deny` hooks, which may take it back. */
export const denials: PlannedGroups = Object.fromEntries(
  hooks.map((hook) => [`a denial at ${hook} is put to the deny hooks`, casesOf(hook)]),
);
