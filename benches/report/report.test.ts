import { expect, it } from 'vitest';
import { type Measurement, scenarios } from '../scenarios/measurement.ts';
import { document } from './document.ts';
import { Results } from './results.ts';
import { plainTable, tables } from './tables.ts';
import { targets } from './targets.ts';

const measurement = (accept: number, relay: number, cpu = 1): Measurement => ({
  accept,
  relay,
  p50: 1,
  p99: 2,
  cpu,
  memory: 100,
});

const [relaying] = scenarios;

const results = (mode: 'embedded' | 'cluster' = 'embedded'): Results => {
  const made = new Results(mode);
  if (relaying === undefined) return made;
  for (const name of ['sluice', 'postfix', 'postfix-nodelay']) {
    made.relays.push({ name, label: name, version: '1', difference: 'none' });
  }
  for (const accept of [3_000, 4_000, 8_000]) made.add(relaying, 'sluice', measurement(accept, accept, 0.4));
  made.add(relaying, 'postfix', measurement(500, 500));
  made.add(relaying, 'postfix-nodelay', measurement(1_600, 900));
  return made;
};

it('compares medians, and relaying with the better Postfix', () => {
  const found = new Map(targets(results()).map((target) => [target.what, target]));
  expect(found.get('accept while relaying, against Postfix')).toMatchObject({ measured: '8.00 ×', reached: true });
  expect(found.get('accept while relaying, against Postfix without delay')).toMatchObject({ reached: false });
  expect(found.get('accept and relay, against the better Postfix')).toMatchObject({
    measured: '4.44 ×',
    reached: true,
  });
  expect(found.get('processor time a relayed message')).toMatchObject({ measured: '0.40 ms', reached: true });
  expect(found.get('accept and relay, against Haraka')).toMatchObject({ measured: undefined, reached: undefined });
});

it('shows median and range, and no table without a measurement', () => {
  const shown = tables(results());
  expect(shown.map(({ title }) => title)).toEqual([relaying?.title, 'Figures to reach']);
  expect(shown.map(plainTable).join('\n')).toContain('4,000 (3,000–8,000)');
});

it('writes the document with machine, versions and what could not be measured', () => {
  const found = results();
  found.failures.push('Haraka: not installed');
  const shape = { messages: 10, warmUp: 1, connections: 20, size: 5_120, startTls: false };
  const text = document(found, shape, 3, new Date('2026-01-02T03:04:05Z'));
  expect(text).toContain('2026-01-02; ');
  expect(text).toContain('- **postfix** 1: none.');
  expect(text).toContain('| sluice | 4,000 (3,000–8,000) |');
  expect(text).toContain('- Not measured: Haraka: not installed');
});

it('says of cluster mode what it ran on, and holds no figures of embedded mode against it', () => {
  const shape = { messages: 10, warmUp: 1, connections: 20, size: 5_120, startTls: false };
  const text = document(results('cluster'), shape, 3, new Date('2026-01-02T03:04:05Z'));
  expect(text).toMatch(/^# Benchmarks of cluster mode\n/);
  expect(text).toContain('meaningless as a benchmark of MongoDB');
  expect(text).toContain('| sluice | 4,000 (3,000–8,000) |');
  expect(text).not.toContain('Figures to reach');
});
