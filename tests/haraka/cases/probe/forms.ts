import type { AnswerCode, PlannedWords } from '../../harness/planned.ts';

const refusing: readonly AnswerCode[] = ['DENY', 'DENYDISCONNECT'];
const deferring: readonly AnswerCode[] = ['DENYSOFT', 'DENYSOFTDISCONNECT'];
export const denies = (code: AnswerCode): boolean => refusing.includes(code) || deferring.includes(code);

const classOf = (code: AnswerCode): number => (refusing.includes(code) ? 5 : deferring.includes(code) ? 4 : 2);

/** The forms in which a plugin may say something, by name. */
export const formsFor = (code: AnswerCode): Readonly<Record<string, PlannedWords | undefined>> => {
  const digit = classOf(code);
  return {
    'no words': undefined,
    'a string': 'Words of a plugin',
    'an array of lines': ['The first line', 'the second line'],
    'a string of two lines': 'The first line\nthe second line',
    'a string with an enhanced code': `${digit}.7.7 Words with a code`,
    'a DSN': { dsn: [digit * 100 + 50, 'Words of a DSN', 7, 1] },
    ...(denies(code) ? { 'a DSN of the other class': { dsn: [digit === 5 ? 450 : 550, 'Words of a DSN', 1, 1] } } : {}),
  };
};
