import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '../../support/describe-with.ts';
import { compareOutcomes, isOutside, sameOutcome } from './compare.ts';
import { type Lab, startLab } from './lab.ts';
import { play } from './outcome.ts';
import type { PluginCases, SessionCases, Setup } from './plugin-cases.ts';
import { writeResult } from './results.ts';
import { shown } from './shown.ts';
import { pluginVersion } from './site.ts';
import { bridgeExists } from './sluice-server.ts';

/** Milliseconds more for mail that comes with the plugin; without it, it may never come. */
const withoutPlugin = 2_000;

interface Tally {
  cases: number;
  differences: number;
}

const describeSetup = (cases: SessionCases | PluginCases, setup: Setup, tally: Tally): void => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab(cases, setup);
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });
  for (const one of setup.cases) {
    it(one.name, async () => {
      const on = play(lab.on, one);
      const due = on.then(({ mails }) => mails.length);
      const off = lab.off === undefined ? undefined : play(lab.off, one, due, withoutPlugin);
      const sluice = lab.sluice === undefined ? undefined : play(lab.sluice, one, due);
      const haraka = await on;
      const without = await off;
      const got = await sluice;
      // A case in which the plugin changes nothing shows nothing.
      if (without !== undefined)
        expect(sameOutcome(haraka, without), `the same without it: ${show(haraka)}`).toBe(false);
      tally.cases += 1;
      if (got === undefined) return;
      const all = compareOutcomes(haraka, got, { ownQueue: setup.queue !== 'plugins' });
      const differences = (one.shows === undefined ? all : all.filter(isOutside)).map(shown);
      const meant = one.shows?.differences ?? [];
      if (!isDeepStrictEqual(differences, meant)) tally.differences += 1;
      expect(differences).toEqual(meant);
    });
  }
};

const show = (value: unknown): string => JSON.stringify(value, null, 1);

/** One plugin's cases against Haraka with it, Haraka without it, and Sluice. */
export const describeCases = (cases: PluginCases): void => {
  describeWith(cases.needs ?? [], cases.plugin, () => {
    const tally: Tally = { cases: 0, differences: 0 };
    const all = cases.setups.reduce((sum, setup) => sum + setup.cases.length, 0);
    afterAll(async () => {
      // Some of the cases alone, or without the bridge, are no result.
      if (tally.cases !== all || !bridgeExists()) return;
      writeResult({ plugin: cases.plugin, version: await pluginVersion(cases.plugin), ...tally });
    });
    it('has at least three cases', () => {
      expect(all).toBeGreaterThanOrEqual(3);
    });
    cases.setups.forEach((setup, at) => {
      describe(setup.name ?? `setup ${at + 1}`, () => describeSetup(cases, setup, tally));
    });
  });
};

/** Sessions that need no plugin to be worth a comparison: Haraka against Sluice. */
export const describeSessions = (name: string, cases: SessionCases): void => {
  describeWith(cases.needs ?? [], name, () => {
    const tally: Tally = { cases: 0, differences: 0 };
    cases.setups.forEach((setup, at) => {
      describe(setup.name ?? `setup ${at + 1}`, () => describeSetup(cases, setup, tally));
    });
  });
};
