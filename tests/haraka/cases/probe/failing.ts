import type { PlannedGroups } from '../../harness/describe-planned.ts';
import { type PlannedAnswer, type PlannedCase, type SessionHook, sessionHooks } from '../../harness/planned.ts';
import { meeting } from './scripts.ts';

const hooks = sessionHooks.filter((hook) => hook !== 'max_data_exceeded');
const each = (how: string, answer: PlannedAnswer): PlannedCase[] =>
  hooks.map((hook) => meeting(hook, `${hook} ${how}`, answer));

/** A hook that never answers denies for now, after the time it was given (`planned.timeout`: a second). */
const late: readonly SessionHook[] = hooks;

export const failing: PlannedGroups = {
  'a hook throws': each('throws', { recipe: 'throws' }),
  'a hook calls back twice': each('twice', { recipe: 'twice', argument: { first: 'CONT', second: 'DENY' } }),
  'a hook calls back twice, and denies at first': each('twice', {
    recipe: 'twice',
    argument: { first: 'DENY', second: 'OK' },
  }).filter(({ name }) => !name.startsWith('deny')),
  'a hook never calls back': late
    .filter((hook) => hook !== 'deny')
    .map((hook) => meeting(hook, `${hook} never answers`, { recipe: 'never' })),
};
