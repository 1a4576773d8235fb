import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareOutcomes } from './compare.ts';
import { type Lab, startLab } from './lab.ts';
import type { Outcome } from './outcome.ts';
import { type PlacedCase, type PlannedCase, place, planFiles } from './planned.ts';
import { gather, playAll, settled } from './play-all.ts';
import type { SessionCases } from './plugin-cases.ts';
import { type ShownDifference, shown } from './shown.ts';

/** Cases by what they have in common: one test each. */
export type PlannedGroups = Readonly<Record<string, readonly PlannedCase[]>>;

/** Sessions under way at once. */
const lanes = 10;

const sessionsOf = (cases: readonly PlacedCase[]): SessionCases => ({
  setups: [
    {
      before: ['planned'],
      files: (at) => planFiles(cases, at),
      cases: cases.map(({ planned: { name, script }, client, sender }) => ({ name, client, script: script(sender) })),
    },
  ],
});

/** The case's own sender by one name. */
const anonymous = (difference: ShownDifference, sender: string): ShownDifference =>
  JSON.parse(JSON.stringify(difference).replaceAll(sender, 'SENDER'));

/** Plays the sessions to a Haraka and to Sluice, many at once, and holds what came of each against the other. */
export const describePlanned = (name: string, groups: PlannedGroups): void => {
  describe(name, () => {
    const cases = place(Object.values(groups).flat());
    const haraka = new Map<string, Outcome>();
    const sluice = new Map<string, Outcome>();
    let lab: Lab;
    beforeAll(async () => {
      const sessions = sessionsOf(cases);
      const [setup] = sessions.setups;
      if (setup === undefined) return;
      lab = await startLab(sessions, setup);
      const { on, sluice: other } = lab;
      const [first, second] = await Promise.all([
        playAll(on, cases, lanes),
        other === undefined ? undefined : playAll(other, cases, lanes),
      ]);
      await settled(other === undefined ? [on] : [on, other]);
      for (const [client, outcome] of await gather(on, cases, first)) haraka.set(client, outcome);
      if (other === undefined || second === undefined) return;
      for (const [client, outcome] of await gather(other, cases, second)) sluice.set(client, outcome);
    });
    afterAll(async () => {
      await lab?.[Symbol.asyncDispose]();
    });
    for (const [group, members] of Object.entries(groups)) {
      it(group, () => {
        const expected: Record<string, readonly ShownDifference[]> = {};
        const found: Record<string, readonly ShownDifference[]> = {};
        for (const { planned, client, sender } of cases.filter((each) => members.includes(each.planned))) {
          const one = haraka.get(client);
          const other = sluice.get(client);
          expect(one?.exchanges[0]?.replies.length, `${planned.name}: nothing was heard`).toBe(1);
          if (one === undefined || other === undefined) continue;
          const differences = compareOutcomes(one, other, { ownQueue: true }).map((each) =>
            anonymous(shown(each), sender),
          );
          if (differences.length > 0) found[planned.name] = differences;
          if (planned.shows !== undefined) expected[planned.name] = planned.shows.differences;
        }
        expect(found).toEqual(expected);
      });
    }
  });
};
