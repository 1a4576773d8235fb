import { describe } from 'vitest';
import { available, type Need } from './available.ts';

/** How a skipped group says what it lacks; run-suites.ts reads it from the title. */
export const lackTitle = (name: string, lacks: readonly Need[]): string =>
  `${name} [needs ${lacks.map((need) => `${need}: ${available(need).remedy}`).join('; ')}]`;

/** A `describe` that is skipped, under a title that says why, where one of its needs cannot be had. */
export const describeWith = (needs: readonly Need[], name: string, tests: () => void): void => {
  const lacks = needs.filter((need) => available(need).found === undefined);
  if (lacks.length === 0) describe(name, tests);
  else describe.skip(lackTitle(name, lacks), tests);
};
