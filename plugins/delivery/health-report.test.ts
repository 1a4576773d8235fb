import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { UpstreamHealth } from '../../core/pipeline/upstream-board.ts';
import { ManualClock } from '../../tests/support/manual-clock.ts';
import { HealthReport } from './health-report.ts';

test('an outage is reported once, and logged when it begins and when it is over', () => {
  const reports: UpstreamHealth[] = [];
  const logged: string[] = [];
  const health = new HealthReport('default', 'mail.test:25', {
    board: { report: (report) => reports.push(report) },
    clock: new ManualClock(),
    log: pino({}, { write: (line: string) => logged.push(line) }),
  });
  health.is('up');
  health.is('down', '451 4.4.1 connect ECONNREFUSED');
  health.is('down', '451 4.4.1 connect ECONNREFUSED');
  health.is('probing');
  health.is('down', '451 4.4.1 connect ETIMEDOUT');
  health.is('up');
  health.is('up');
  expect(reports.map(({ state }) => state)).toEqual(['up', 'down', 'probing', 'down', 'up']);
  expect(logged.map((line) => JSON.parse(line))).toMatchObject([
    { level: 40, target: 'mail.test:25', error: '451 4.4.1 connect ECONNREFUSED' },
    { level: 30, target: 'mail.test:25' },
  ]);
});
