import type { Spread } from '../measure/statistics.ts';
import { type Scenario, scenarios } from '../scenarios/measurement.ts';
import type { Results } from './results.ts';
import { targets } from './targets.ts';

/** Rows of text; the first is the heading. */
export interface Table {
  title: string;
  rows: string[][];
}

const number = (value: number, digits: number): string =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

const cell = (value: Spread | undefined, digits = 0): string => {
  if (value === undefined) return '–';
  if (value.low === value.high) return number(value.median, digits);
  return `${number(value.median, digits)} (${number(value.low, digits)}–${number(value.high, digits)})`;
};

const scenarioTable = (results: Results, scenario: Scenario): Table => {
  const heading = ['relay', 'accepted/s', 'relayed/s', 'p50 ms', 'p99 ms', 'CPU ms/message', 'memory MB'];
  const rows = results.relays
    .filter(({ name }) => results.spread(scenario.name, name, 'accept') !== undefined)
    .map(({ name, label }) => {
      const of = (what: 'accept' | 'relay' | 'p50' | 'p99' | 'cpu' | 'memory', digits = 0) =>
        cell(results.spread(scenario.name, name, what), digits);
      return [label, of('accept'), of('relay'), of('p50', 1), of('p99', 1), of('cpu', 2), of('memory')];
    });
  return { title: scenario.title, rows: [heading, ...rows] };
};

const correctnessTable = (results: Results): Table => ({
  title: 'Every message at the sink, by Message-ID and SHA-256 of its body; flushes to disk',
  rows: [
    ['relay', 'sent', 'lost', 'doubled', 'changed', 'flushes/message'],
    ...results.relays
      .filter(({ name }) => results.verified.has(name) || results.flushes.has(name))
      .map(({ name, label }) => {
        const seen = results.verified.get(name);
        const counts = [seen?.sent, seen?.lost, seen?.doubled, seen?.changed];
        const flushes = results.flushes.get(name);
        const shown = counts.map((count) => (count === undefined ? '–' : number(count, 0)));
        return [label, ...shown, flushes === undefined ? '–' : number(flushes, 2)];
      }),
  ],
});

const targetTable = (results: Results): Table => ({
  title: 'Figures to reach',
  rows: [
    ['Sluice', 'wanted', 'measured', ''],
    ...targets(results)
      .filter(({ measured }) => measured !== undefined)
      .map(({ what, wanted, measured, reached }) => [what, wanted, measured ?? '–', reached ? 'reached' : 'missed']),
  ],
});

/** All tables that hold anything. */
export const tables = (results: Results): Table[] =>
  [
    ...scenarios.map((scenario) => scenarioTable(results, scenario)),
    correctnessTable(results),
    ...(results.mode === 'embedded' ? [targetTable(results)] : []),
  ].filter(({ rows }) => rows.length > 1);

/** For a terminal: columns padded, numbers to the right. */
export const plainTable = ({ title, rows }: Table): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((text, column) => (column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0)));
  return [title, ...rows.map((row) => `  ${line(row).join('  ').trimEnd()}`)].join('\n');
};

/** For docs/benchmarks.md. */
export const markdownTable = ({ title, rows }: Table): string => {
  const [heading = [], ...body] = rows;
  const rule = heading.map((_, column) => (column === 0 ? '---' : '---:'));
  return [`## ${title}`, '', ...[heading, rule, ...body].map((row) => `| ${row.join(' | ')} |`)].join('\n');
};
