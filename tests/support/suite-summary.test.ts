import { expect, it } from 'vitest';
import { addReport, emptySummary, succeeded, summaryLines } from './suite-summary.ts';

const test = (status: string, fullName: string, ...ancestorTitles: string[]) => ({ status, fullName, ancestorTitles });
const report = (...assertionResults: ReturnType<typeof test>[]) => ({
  testResults: [{ name: '/repo/tests/a.test.ts', status: 'passed', message: '', assertionResults }],
});

it('counts, and ends with the plain line', () => {
  const summary = emptySummary();
  addReport(summary, report(test('passed', 'one'), test('failed', 'two')), '/repo');
  expect(summaryLines(summary, false)).toEqual(['FAILED   tests/a.test.ts: two', '1 passed, 1 failed']);
  expect(succeeded(summary, false)).toBe(false);
});

it('names what was skipped and how to get what it needs', () => {
  const summary = emptySummary();
  const title = 'relaying [needs postfix: apt-get install postfix]';
  addReport(summary, report(test('passed', 'one'), test('skipped', 'x', title), test('skipped', 'y', title)), '/repo');
  const lines = summaryLines(summary, false);
  expect(lines[0]).toBe('SKIPPED  tests/a.test.ts (2 tests): needs postfix: apt-get install postfix');
  expect(lines.at(-1)).toBe('1 passed, 0 failed, 2 skipped');
  expect(succeeded(summary, false)).toBe(true);
});

it('takes a skipped test for a failed one where it is strict', () => {
  const summary = emptySummary();
  addReport(summary, report(test('passed', 'one'), test('pending', 'x')), '/repo');
  expect(summaryLines(summary, true).at(-1)).toBe('1 passed, 1 failed');
  expect(succeeded(summary, true)).toBe(false);
});

it('counts a file that could not be loaded as one failure, and no test at all as no success', () => {
  const summary = emptySummary();
  expect(succeeded(summary, false)).toBe(false);
  const testResults = [
    { name: '/repo/b.test.ts', status: 'failed', message: 'no such module\nat x', assertionResults: [] },
  ];
  addReport(summary, { testResults }, '/repo');
  expect(summaryLines(summary, false)).toEqual(['BROKEN   b.test.ts: no such module', '0 passed, 1 failed']);
});
