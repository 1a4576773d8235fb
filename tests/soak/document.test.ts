import { expect, test } from 'vitest';
import type { CapturedMail } from '../support/captured-mail.ts';
import type { PromisedMail } from '../support/cluster-journals.ts';
import { document, type SoakResult } from './document.ts';

const promised = (messageId: string, at: number): PromisedMail => ({
  event: 'accepted',
  at,
  messageId,
  bodyHash: 'x',
  size: 1,
  reply: 'queued',
});
const delivered = (messageId: string, at: number): CapturedMail => ({
  connection: 0,
  sender: 'a@example.com',
  recipients: ['b@example.net'],
  mailCommand: '',
  rcptCommands: [],
  size: 1,
  bodyHash: 'x',
  messageId,
  raw: Buffer.alloc(0),
  acknowledged: true,
  at,
});

const result = (failures: string[]): SoakResult => ({
  options: { minutes: 60, rate: 5, rounds: 1, output: null },
  date: new Date('2026-01-02T03:04:05Z'),
  machine: 'two cores',
  servers: ['Redis 7'],
  version: '1',
  intervals: ['lease 45 s'],
  began: 0,
  ended: 3_600_000,
  faults: [
    {
      title: 'Redis killed',
      began: 60_000,
      ended: 90_000,
      recovery: { accepted: 100, delivered: 2_000, whole: 3_000 },
      allowed: 60_000,
      load: 2.5,
    },
  ],
  memory: [{ name: 'smtp 2', restarts: 0, early: 200, late: 210, most: 250 }],
  // The first was waiting when the fault was over, its second copy came late; the second was delivered before.
  mails: [delivered('<2>', 61_500), delivered('<1>', 95_000), delivered('<1>', 700_000)],
  verdict: {
    promised: [promised('<1>', 61_000), promised('<2>', 61_000)],
    lost: 0,
    changed: 0,
    doubled: 1,
    copies: 1,
    unexplained: [],
    stuck: [],
    unpromised: new Map([['451 4.3.2 not now', 1]]),
    refusals: new Map([['451 4.3.2 not now', 7]]),
    cuts: new Map([['connection lost (dot)', 2]]),
    emptied: 61_000,
    conservation: { accepted: 2, states: {}, balanced: true },
  },
  failures,
});

test('tells of each fault how long all took, and what had waited', () => {
  const text = document(result([]));
  expect(text).toContain('for 60:00 minutes under 5 messages a second');
  expect(text).toContain('**Passed.**');
  expect(text).toContain('| delivered without a 250 that was read | 1 |');
  expect(text).toContain('| Redis killed | 1:00 | 30.0 | 0.1 | 2.0 | 3.0 | 1 | 5.0 | 2.5 |');
  expect(text).toContain('| Redis killed | 1 | 3.0 | 60.0 |');
  expect(text).toContain('| smtp 2 | 0 | 200 | 210 | 250 |');
  expect(text).toContain('| 451 4.3.2 not now | 7 | 1 |');
  expect(text).toContain('| connection lost (dot) | 2 | 0 |');
  expect(text).toContain('| queue empty after the end of the load | 1:01 min |');
});

test('names what failed', () => {
  expect(document(result(['3 messages were lost']))).toMatch(/\*\*Failed:\*\*\n\n- 3 messages were lost\n/);
});
