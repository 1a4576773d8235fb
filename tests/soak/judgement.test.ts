import { expect, test } from 'vitest';
import type { FaultSeen } from './document.ts';
import { judgement } from './judgement.ts';
import type { MemoryUse } from './memory.ts';
import type { Verdict } from './verdict.ts';

const verdict: Verdict = {
  promised: [],
  lost: 0,
  changed: 0,
  doubled: 2,
  copies: 2,
  unexplained: [],
  stuck: [],
  unpromised: new Map([['451 4.3.2 not now', 1]]),
  refusals: new Map([['451 4.3.2 not now', 7]]),
  cuts: new Map(),
  emptied: 1_000,
  conservation: { accepted: 1, states: {}, balanced: true },
};
const fault: FaultSeen = {
  title: 'Redis killed',
  began: 0,
  ended: 1_000,
  recovery: { accepted: 1, delivered: 1, whole: 59_000 },
  allowed: 60_000,
  load: 1,
};
const steady: MemoryUse = { name: 'smtp 2', restarts: 0, early: 200, late: 290, most: 320 };
const hour = 3_600_000;

const judge = (change: Partial<Verdict>, faults = [fault], memory = [steady], length = hour) =>
  judgement({ faults, memory, verdict: { ...verdict, ...change }, began: 0, ended: length }, [
    { role: 'smtp', code: 0, signal: null },
  ]);

test('copies of ambiguous attempts and refusals for now are no failure', () => {
  expect(judge({})).toEqual([]);
});

test.each<[Partial<Verdict>, RegExp]>([
  [{ lost: 1 }, /1 messages were lost/],
  [{ changed: 3 }, /3 messages were changed/],
  [{ unexplained: ['<a@b>'] }, /more copies than ambiguous attempts: <a@b>/],
  [{ stuck: ['connection 3: DATA for 61 s'] }, /connection 3/],
  [{ refusals: new Map([['550 5.7.1 no', 1]]) }, /refused for good, 1 times: 550 5.7.1 no/],
  [{ conservation: { accepted: 1, states: {}, balanced: false } }, /does not balance/],
])('%o is a failure', (change, said) => {
  expect(judge(change)).toEqual([expect.stringMatching(said)]);
});

test('a fault that lasted too long, and a process that grew or ended badly, are named', () => {
  const late = { ...fault, recovery: { ...fault.recovery, whole: 61_000 } };
  expect(judge({}, [late])).toEqual(['Redis killed: 61 s until all was well, 60 s are allowed']);
  const grown = { ...steady, late: 301 };
  expect(judge({}, [], [grown])).toEqual(['smtp 2 grew from 200 to 301 MB']);
  expect(judge({}, [], [grown], hour / 3)).toEqual([]);
  const exits = [{ role: 'worker', code: null, signal: 'SIGKILL' as const }];
  const seen = { faults: [], memory: [], verdict, began: 0, ended: hour };
  expect(judgement(seen, exits)).toEqual(['worker ended with SIGKILL when it was told to']);
});
