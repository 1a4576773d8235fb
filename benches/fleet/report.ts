import type { Costs } from './costs.ts';
import { day } from './day.ts';
import {
  type Assumptions,
  atPeak,
  type Fleet,
  loads,
  type MessageCost,
  meanRate,
  messageCost,
  model,
  nextBottleneck,
  peakRate,
  planned,
  type Workload,
} from './fleet.ts';
import { simulate } from './simulation.ts';

const number = (value: number, digits = 0): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const percent = (share: number): string => `${number(share * 100)}%`;
const milliseconds = (value: number): string => number(value, value < 10 ? 2 : 0);

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, n) => (n === 0 ? '---' : '---:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

export const fleetName = ({ smtpNodes, workerNodes, redisShards, mongodbShards }: Fleet): string =>
  `${smtpNodes} SMTP nodes, ${workerNodes} worker nodes, ${redisShards} Redis masters, ${mongodbShards} MongoDB shards`;

/** What was measured, a line for each kind of message. */
export function costsTable(costs: Costs): string {
  const rows = costs.runs.map((run) => {
    const cost = messageCost(costs, run);
    return [
      `${run.recipients} × ${number(run.size / 1_000)} KB`,
      number(cost.smtpCpu, 2),
      number(cost.workerCpu, 2),
      number(cost.redisCommands, 1),
      number(cost.accountsCpu + cost.wakeUpsCpu, 3),
      number(cost.mongodbCommands, 2),
      number(cost.mailWrites + cost.eventWrites, 1),
      number(cost.kept / 1_000, 1),
    ];
  });
  const head = [
    'recipients × size',
    'SMTP CPU ms',
    'worker CPU ms',
    'Redis commands',
    'Redis CPU ms',
    'MongoDB commands',
    'documents written',
    'KB kept',
  ];
  return table(head, rows);
}

interface Case {
  readonly costs: Costs;
  readonly workload: Workload;
  readonly assumptions: Assumptions;
  /** Default: the smallest that carries the peak. */
  readonly fleet?: Fleet;
  readonly messages: number;
  readonly seed: number;
}

interface Judged {
  readonly fleet: Fleet;
  readonly cost: MessageCost;
  readonly text: string;
  readonly row: readonly string[];
}

const full = 0.95;

/** One fleet under one load: stations, delays, and where the next bottleneck stands. */
export function judge({ costs, workload, assumptions, fleet: given, messages, seed }: Case): Judged {
  const cost = messageCost(costs, workload);
  const fleet = given ?? planned(cost, workload, assumptions);
  const fleetModel = model(cost, fleet, assumptions);
  const peak = peakRate(workload);
  const { stations, until } = simulate(atPeak(fleetModel, workload, messages, seed));
  const byArithmetic = loads(fleetModel, peak);
  const next = nextBottleneck(fleetModel);
  const overfull = next.rate < peak;
  const accepted = until[fleetModel.accepted];
  const settled = until[fleetModel.settled];
  const ofDay = day(fleetModel, workload);
  const rows = stations.map((result, n) => {
    const { station, load } = byArithmetic[n] ?? {};
    const grows = (load ?? 0) >= 1;
    return [
      result.name,
      String(station?.servers ?? 0),
      percent(load ?? 0),
      percent(result.utilisation),
      grows ? 'grows' : milliseconds(result.wait.p50),
      grows ? 'grows' : milliseconds(result.wait.p99),
    ];
  });
  const delays = overfull
    ? `More comes than ${next.station.name} can take: the day has ${number(ofDay.overloadedHours, 1)} such hours, at most ` +
      `${number(ofDay.backlog.messages)} messages wait` +
      (ofDay.drainedAfter === null
        ? ', and they still do at midnight.'
        : `, and none does ${number(ofDay.drainedAfter, 1)} hours after the first had to.`)
    : `From the dot to the 250: ${milliseconds(accepted?.p50 ?? 0)} ms (p99 ${milliseconds(accepted?.p99 ?? 0)}); to the ` +
      `outcome on record: ${milliseconds(settled?.p50 ?? 0)} ms (p99 ${milliseconds(settled?.p99 ?? 0)}), networks and ` +
      'flushes of disks left out.';
  const share = next.rate / peak;
  const stands =
    `**Next bottleneck: ${next.station.name}**, at ${number(next.rate)} messages a second, ` +
    `${number(share, 2)} × this peak (${number((next.rate / workload.peak) * 86_400)} mails a day). To go on: ` +
    `${next.station.remedy}.`;
  const text = [
    `${number(workload.mailsPerDay)} mails a day (${number(meanRate(workload))} a second, ${number(peak)} at the peak), ` +
      `${workload.recipients} recipient${workload.recipients === 1 ? '' : 's'}, ${number(workload.size / 1_000)} KB: ` +
      `${fleetName(fleet)}.`,
    table(['station', 'servers', 'load', 'simulated', 'wait p50 ms', 'wait p99 ms'], rows),
    delays,
    stands,
  ].join('\n\n');
  const fullest = Math.max(...stations.map(({ utilisation }) => utilisation));
  const row = [
    number(workload.mailsPerDay),
    number(peak),
    String(fleet.smtpNodes),
    String(fleet.workerNodes),
    String(fleet.redisShards),
    String(fleet.mongodbShards),
    percent(Math.max(...byArithmetic.map(({ load }) => load))),
    fullest > full || overfull ? 'grows' : milliseconds(accepted?.p99 ?? 0),
    next.station.name,
    number((next.rate / workload.peak) * 86_400),
  ];
  return { fleet, cost, text, row };
}

export const sweepHead = [
  'mails a day',
  'peak a second',
  'SMTP nodes',
  'worker nodes',
  'Redis masters',
  'MongoDB shards',
  'fullest station',
  '250 after, p99 ms',
  'next bottleneck',
  'stands at, mails a day',
];

/** The smallest fleets for several loads. */
export const sweep = (loadsOfDays: readonly number[], one: Omit<Case, 'fleet'>): string =>
  table(
    sweepHead,
    loadsOfDays.map((mailsPerDay) => judge({ ...one, workload: { ...one.workload, mailsPerDay } }).row),
  );
