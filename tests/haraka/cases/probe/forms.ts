import type { AnswerCode, PlannedWords, SessionHook } from '../../harness/planned.ts';

const refusing: readonly AnswerCode[] = ['DENY', 'DENYDISCONNECT'];
const deferring: readonly AnswerCode[] = ['DENYSOFT', 'DENYSOFTDISCONNECT'];
export const denies = (code: AnswerCode): boolean => refusing.includes(code) || deferring.includes(code);

/** Hooks whose words are sent with a code of their own, whatever the verdict. */
const settled: Readonly<Partial<Record<SessionHook, number>>> = { quit: 221, rset: 250 };

/** The code that Haraka sends with the words, or one like it: a sensible plugin's enhanced codes and DSNs fit it. */
const codeSent = (hook: SessionHook, code: AnswerCode): number => {
  const own = settled[hook];
  if (own !== undefined) return own;
  if (hook === 'unrecognized_command') return code === 'DENYSOFTDISCONNECT' ? 450 : 550;
  if (refusing.includes(code)) return 550;
  if (deferring.includes(code)) return 450;
  const atConnect = hook === 'connect' || hook === 'lookup_rdns';
  if (atConnect && code === 'DISCONNECT') return 550;
  if (hook === 'queue' && !['CONT', 'undefined', 'OK'].includes(code)) return 450;
  return atConnect ? 220 : 250;
};

/** The forms in which a plugin may say something, by name. */
export const formsFor = (hook: SessionHook, code: AnswerCode): Readonly<Record<string, PlannedWords | undefined>> => {
  const sent = codeSent(hook, code);
  const other = sent < 500 ? 550 : 450;
  return {
    'no words': undefined,
    'a string': 'Words of a plugin',
    'an array of lines': ['The first line', 'the second line'],
    'a string of two lines': 'The first line\nthe second line',
    'a string with an enhanced code': `${String(sent)[0]}.7.7 Words with a code`,
    'a DSN': { dsn: [sent, 'Words of a DSN', 7, 1] },
    ...(denies(code) && sent >= 400 ? { 'a DSN of the other class': { dsn: [other, 'Words of a DSN', 1, 1] } } : {}),
  };
};
