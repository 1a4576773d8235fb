import type { PlannedGroups } from '../../harness/describe-planned.ts';
import { type PlannedAnswer, type PlannedCase, type SessionHook, sessionHooks } from '../../harness/planned.ts';
import { whereItThrows } from './failing-meant.ts';
import { meeting } from './scripts.ts';

const hooks = sessionHooks.filter((hook) => hook !== 'max_data_exceeded');
/** Haraka never ends asking `deny` hooks about a denial of their own. */
const decided = hooks.filter((hook) => hook !== 'deny');

const each = (how: string, answer: PlannedAnswer, at: readonly SessionHook[] = hooks): PlannedCase[] =>
  at.map((hook) => meeting(hook, `${hook} ${how}`, answer));

const throwing = hooks.map((hook): PlannedCase => {
  const differences = whereItThrows[hook];
  const planned = meeting(hook, `${hook} throws`, { recipe: 'throws' });
  return differences === undefined ? planned : { ...planned, shows: { deviation: 'A hook that throws', differences } };
});

export const failing: PlannedGroups = {
  'a hook throws': throwing,
  'a hook calls back twice': [
    ...each('continues, then denies', { recipe: 'twice', argument: { first: 'CONT', second: 'DENY' } }),
    ...each('denies, then allows', { recipe: 'twice', argument: { first: 'DENY', second: 'OK' } }, decided),
  ],
  // It denies for now, after the time it was given (`planned.timeout`: a second).
  'a hook never calls back': each('never answers', { recipe: 'never' }, decided),
};
