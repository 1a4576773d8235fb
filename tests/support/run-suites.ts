/*
 * What `npm test` runs: the unit, contract, e2e and haraka suites, one after the other (two at once would disturb each other's
 * timing on two cores). `npm test -- unit` runs one of them; further arguments that begin with a path go to vitest.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { addReport, emptySummary, type Summary, succeeded, summaryLines, type VitestReport } from './suite-summary.ts';
import { temporaryFolder } from './temporary-folder.ts';

const root = resolve(import.meta.dirname, '../..');
const allSuites = ['unit', 'contract', 'e2e', 'haraka'];

const runSuite = async (suite: string, files: readonly string[], reportFile: string): Promise<number> => {
  const args = ['run', '--project', suite, '--passWithNoTests', '--reporter=default', '--reporter=json'];
  args.push(`--outputFile.json=${reportFile}`, ...files);
  const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = await once(child, 'close');
  return typeof code === 'number' ? code : 1;
};

const collect = async (summary: Summary, suite: string, code: number, reportFile: string): Promise<void> => {
  const before = summary.failed;
  const text = await readFile(reportFile, 'utf8').catch(() => undefined);
  if (text !== undefined) {
    const report: VitestReport = JSON.parse(text);
    addReport(summary, report, root);
  }
  // Errors outside any test (an unhandled rejection, a crash of the runner) are in the exit code alone.
  if (code !== 0 && summary.failed === before) {
    summary.failed += 1;
    summary.broken.push(`${suite}: the runner ended with ${code}; see its output above`);
  }
};

const main = async (): Promise<void> => {
  const args = process.argv.slice(2);
  const named = args.filter((arg) => allSuites.includes(arg));
  const files = args.filter((arg) => !allSuites.includes(arg));
  const strict = process.env.CI === 'true';
  const summary = emptySummary();
  await using folder = await temporaryFolder('test-reports');
  for (const suite of named.length > 0 ? named : allSuites) {
    console.log(`\n== ${suite} ==`);
    const reportFile = join(folder.path, `${suite}.json`);
    await collect(summary, suite, await runSuite(suite, files, reportFile), reportFile);
  }
  console.log('');
  for (const line of summaryLines(summary, strict)) console.log(line);
  process.exitCode = succeeded(summary, strict) ? 0 : 1;
};

await main();
