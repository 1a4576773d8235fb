import { quantile } from '../../benches/measure/statistics.ts';
import type { CapturedMail } from '../support/captured-mail.ts';
import type { MemoryUse } from './memory.ts';
import type { SoakOptions } from './options.ts';
import type { Recovery } from './recovery.ts';
import type { Verdict } from './verdict.ts';

/** A fault that happened. Times are `Date.now()`. */
export interface FaultSeen {
  readonly title: string;
  readonly began: number;
  /** When what was away was back. */
  readonly ended: number;
  readonly recovery: Recovery;
  /** Milliseconds it may take. */
  readonly allowed: number;
  /** Processes that wanted a processor, on average of the minute before all was well: the machine is not ours alone. */
  readonly load: number;
}

/** All that a run found out. */
export interface SoakResult {
  readonly options: SoakOptions;
  readonly date: Date;
  readonly machine: string;
  readonly servers: readonly string[];
  readonly version: string;
  /** Settings that matter here, as people write them. */
  readonly intervals: readonly string[];
  /** When the load began and ended. */
  readonly began: number;
  readonly ended: number;
  readonly faults: readonly FaultSeen[];
  readonly memory: readonly MemoryUse[];
  readonly mails: readonly CapturedMail[];
  readonly verdict: Verdict;
  /** What should not have been; empty: passed. */
  readonly failures: readonly string[];
}

const seconds = (milliseconds: number): string => (milliseconds / 1_000).toFixed(1);
const clock = (milliseconds: number): string =>
  `${Math.floor(milliseconds / 60_000)}:${String(Math.floor(milliseconds / 1_000) % 60).padStart(2, '0')}`;
const count = (value: number): string => value.toLocaleString('en');

const sum = (values: Iterable<number>): number => [...values].reduce((all, value) => all + value, 0);

const table = (heading: readonly string[], rows: readonly (readonly string[])[]): string[] => {
  const rule = heading.map((_, column) => (column === 0 ? '---' : '---:'));
  return [heading, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).concat('');
};

/** What had been promised before a fault was over, but was delivered only afterwards: how much, and when the last of it. */
function backlog(ended: number, { verdict, mails }: SoakResult): { messages: number; last: number } {
  const first = new Map<string, number>();
  for (const { messageId, at } of mails) if (!first.has(messageId)) first.set(messageId, at);
  const late = verdict.promised
    .filter(({ at }) => at < ended)
    .map(({ messageId }) => first.get(messageId) ?? 0)
    .filter((at) => at >= ended);
  return { messages: late.length, last: late.reduce((last, at) => Math.max(last, at - ended), 0) };
}

const faultTable = (result: SoakResult): string[] =>
  table(
    [
      'fault',
      'began',
      'lasted s',
      'accepts after s',
      'delivers after s',
      'all well after s',
      'waiting then',
      'the last of it after s',
      'load of the machine',
    ],
    result.faults.map(({ title, began, ended, recovery, load }) => {
      const { messages, last } = backlog(ended, result);
      const { accepted, delivered, whole } = recovery;
      const times = [ended - began, accepted, delivered, whole].map(seconds);
      return [
        title,
        clock(began - result.began),
        ...times,
        count(messages),
        messages === 0 ? '–' : seconds(last),
        load.toFixed(1),
      ];
    }),
  );

const kindTable = ({ faults }: SoakResult): string[] =>
  table(
    ['fault', 'times', 'longest recovery s', 'allowed s'],
    [...Map.groupBy(faults, ({ title }) => title)].map(([title, same]) => [
      title,
      count(same.length),
      seconds(Math.max(...same.map(({ recovery }) => recovery.whole))),
      seconds(same[0]?.allowed ?? 0),
    ]),
  );

const mailTable = ({ verdict, mails }: SoakResult): string[] => {
  const { promised, lost, changed, doubled, copies, unexplained, conservation, emptied } = verdict;
  const arrived = new Map(mails.map(({ messageId, at }) => [messageId, at]));
  const delays = promised.map(({ messageId, at }) => (arrived.get(messageId) ?? at) - at);
  return table(
    ['mail', ''],
    [
      ['promised (250 read by a client)', count(promised.length)],
      ['deliveries at the upstream', count(mails.length)],
      ['delivered without a 250 that was read', count(sum(verdict.unpromised.values()))],
      ['lost', count(lost)],
      ['changed', count(changed)],
      ['messages that came more than once', count(doubled)],
      ['further copies of these', count(copies)],
      ['of them not recorded as ambiguous', count(unexplained.length)],
      [
        'from 250 to delivery: median, 99th percentile',
        `${seconds(quantile(delays, 0.5))} s, ${seconds(quantile(delays, 0.99))} s`,
      ],
      ['queue empty after the end of the load', `${clock(emptied)} min`],
      ['recipients accepted, by the relay', count(conservation.accepted)],
      ['conservation', conservation.balanced ? 'balanced' : 'NOT BALANCED'],
    ],
  );
};

const refusalTable = ({ verdict }: SoakResult): string[] => {
  const rows = [...verdict.refusals].sort(([, a], [, b]) => b - a).map(([reply, times]) => [reply, count(times)]);
  const cuts = [...verdict.cuts].map(([where, times]) => [where, count(times)]);
  const delivered = (told: string) => count(verdict.unpromised.get(told) ?? 0);
  const shown = [...rows, ...cuts].map(([told = '', times = '']) => [told, times, delivered(told)]);
  return table(['not promised', 'times', 'delivered all the same'], shown);
};

const memoryTable = ({ memory }: SoakResult): string[] =>
  table(
    ['process', 'killed', 'early MB', 'at the end MB', 'most MB'],
    memory.map(({ name, restarts, early, late, most }) => [
      name,
      count(restarts),
      ...[early, late, most].map((value) => (Number.isNaN(value) ? '–' : value.toFixed(0))),
    ]),
  );

/** docs/soak.md. */
export const document = (result: SoakResult): string => {
  const { options, date, machine, servers, version, intervals, failures, began, ended } = result;
  return [
    '# Soak test',
    '',
    '<!-- Written by `npm run test:soak`; changes made by hand are lost with its next run. -->',
    '',
    `${date.toISOString().slice(0, 10)}; ${machine}; Sluice ${version}; ${servers.join('; ')}.`,
    '',
    `Two SMTP servers, two workers and an API, each a process of its own, for ${clock(ended - began)} minutes under ${options.rate} messages a second of 1 to 32 KB, each kind of fault ${options.rounds} ${options.rounds === 1 ? 'time' : 'times'}. All intervals are those that a production has: ${intervals.join(', ')}. Load, servers and upstream share the machine with whatever else runs on it.`,
    '',
    failures.length === 0 ? '**Passed.**' : '**Failed:**',
    '',
    ...failures.map((failure) => `- ${failure}`),
    ...(failures.length === 0 ? [] : ['']),
    '## Mail',
    '',
    ...mailTable(result),
    'A second copy is allowed where the outcome of an attempt could not be known (a worker killed, or cut off after the final dot); the log then calls that attempt ambiguous, and the mail is tried again after `worker.ambiguous_delay`. What is delivered without a 250 that was read, the client may send again: mail answered 451 since the database did not say in time whether it had stored it, where a worker was faster than the withdrawal, or whose client was cut off from its 250.',
    '',
    '## Recovery by kind of fault',
    '',
    ...kindTable(result),
    '## Every fault',
    '',
    'Times count from when what was away was back (of a killed process: from when it was started again). "Waiting then" is mail promised before that and not yet delivered; the last of it may have waited for the end of a lease, or for `worker.ambiguous_delay`. The load of the machine (processes that want one of its processors, on average of a minute) is that at the time when all was well.',
    '',
    ...faultTable(result),
    '## Memory',
    '',
    'Resident memory: medians of the second sixth of the time and of the last. The first of each kind is the one that is killed; the second runs through.',
    '',
    ...memoryTable(result),
    '## What clients were told meanwhile',
    '',
    ...refusalTable(result),
  ]
    .join('\n')
    .replace(/\n+$/, '\n');
};
