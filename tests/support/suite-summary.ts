/** The parts of vitest's JSON report that are read. */
export interface VitestReport {
  testResults: readonly {
    name: string;
    status: string;
    message: string;
    assertionResults: readonly { status: string; fullName: string; ancestorTitles: readonly string[] }[];
  }[];
}

export interface Lack {
  file: string;
  tests: number;
  /** What is missing and how to get it; the title of the test where it did not say. */
  reason: string;
}

export interface Summary {
  passed: number;
  failed: number;
  skipped: number;
  /** Files that ended before their tests could run, as `file: message`. */
  broken: string[];
  failures: string[];
  lacks: Lack[];
}

export const emptySummary = (): Summary => ({ passed: 0, failed: 0, skipped: 0, broken: [], failures: [], lacks: [] });

const reason = (titles: readonly string[], fullName: string): string => {
  for (const title of titles) {
    const match = /\[needs (.*)\]$/.exec(title);
    if (match?.[1] !== undefined) return `needs ${match[1]}`;
  }
  return `skipped by itself: ${fullName}`;
};

/** Adds the report of one run; a file that failed as a whole is one failure. */
export const addReport = (summary: Summary, report: VitestReport, folder: string): void => {
  for (const file of report.testResults) {
    const path = file.name.startsWith(`${folder}/`) ? file.name.slice(folder.length + 1) : file.name;
    const lacks = new Map<string, number>();
    let failed = 0;
    for (const test of file.assertionResults) {
      if (test.status === 'passed') summary.passed += 1;
      else if (test.status === 'failed') {
        failed += 1;
        summary.failures.push(`${path}: ${test.fullName}`);
      } else {
        summary.skipped += 1;
        const why = reason(test.ancestorTitles, test.fullName);
        lacks.set(why, (lacks.get(why) ?? 0) + 1);
      }
    }
    if (file.status === 'failed' && failed === 0) {
      failed = 1;
      summary.broken.push(`${path}: ${file.message.split('\n', 1)[0] ?? ''}`);
    }
    summary.failed += failed;
    for (const [why, tests] of lacks) summary.lacks.push({ file: path, tests, reason: why });
  }
};

/** The last lines, the plain count at the end. Where `strict`, what was skipped counts as failed. */
export const summaryLines = (summary: Summary, strict: boolean): string[] => {
  const lines = [
    ...summary.broken.map((text) => `BROKEN   ${text}`),
    ...summary.failures.map((text) => `FAILED   ${text}`),
    ...summary.lacks.map(({ file, tests, reason: why }) => `SKIPPED  ${file} (${tests} tests): ${why}`),
  ];
  if (summary.lacks.length > 0) {
    lines.push(
      strict
        ? 'With CI=true a skipped test is a failed one.'
        : './scripts/test installs what the tests need and runs them all.',
    );
  }
  const failed = summary.failed + (strict ? summary.skipped : 0);
  const skipped = strict ? 0 : summary.skipped;
  lines.push(`${summary.passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return lines;
};

/** Whether the run as a whole has succeeded. A run without a single test has not. */
export const succeeded = (summary: Summary, strict: boolean): boolean =>
  summary.failed === 0 && summary.passed > 0 && (!strict || summary.skipped === 0);
