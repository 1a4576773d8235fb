import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { measuredCosts } from './costs.ts';
import { day, highestPeak, profile } from './day.ts';
import {
  type Assumptions,
  atPeak,
  defaultAssumptions,
  loads,
  type MessageCost,
  meanRate,
  messageCost,
  model,
  nextBottleneck,
  peakRate,
  planned,
} from './fleet.ts';
import { simulate } from './simulation.ts';

const cost: MessageCost = {
  smtpCpu: 1,
  workerCpu: 0.5,
  accountsCpu: 0.1,
  wakeUpsCpu: 0.05,
  redisCommands: 8,
  mailWrites: 8,
  eventWrites: 2,
  mongodbCommands: 3,
  kept: 3_000,
};
const assumptions: Assumptions = { cores: 4, mongodbWrites: 10_000, upstreamMilliseconds: 100, concurrency: 20 };
const workload = { mailsPerDay: 8_640_000, peak: 2, recipients: 1, size: 5_000 };
const fleet = { smtpNodes: 1, workerNodes: 1, redisShards: 1, mongodbShards: 1 };

describe('the arithmetic', () => {
  test('knows how much of each station a message takes', () => {
    expect([meanRate(workload), peakRate(workload)]).toEqual([100, 200]);
    const taken = Object.fromEntries(
      loads(model(cost, fleet, assumptions), 200).map(({ station, load }) => [station.name, Number(load.toFixed(6))]),
    );
    expect(taken).toEqual({
      'SMTP processors': 0.05,
      'Redis, quotas and rates': 0.02,
      // 200 × 8 documents of 10,000.
      'MongoDB, mail': 0.16,
      'Redis, wake-ups': 0.01,
      'Worker processors': 0.025,
      'Ways to the upstream': 0.25,
      'MongoDB, events': 0.04,
    });
  });

  test('says which station is full first, and then the next one', () => {
    const first = nextBottleneck(model(cost, fleet, assumptions));
    expect([first.station.name, first.rate]).toEqual(['Ways to the upstream', 800]);
    const second = nextBottleneck(model(cost, { ...fleet, workerNodes: 10 }, assumptions));
    expect([second.station.name, second.rate]).toEqual(['MongoDB, mail', 1_250]);
    const last = nextBottleneck(
      model(cost, { smtpNodes: 99, workerNodes: 999, redisShards: 99, mongodbShards: 99 }, assumptions),
    );
    expect([last.station.name, Math.round(last.rate)]).toEqual(['MongoDB, events', 5_000]);
  });

  test('plans the smallest fleet whose stations are not fuller than that', () => {
    const big = { ...workload, mailsPerDay: 86_400_000, peak: 3 };
    const enough = planned(cost, big, assumptions, 0.6);
    const rate = peakRate(big);
    const scalable = (one: typeof enough) =>
      loads(model(cost, one, assumptions), rate).filter(
        ({ station }) => station.remedy.startsWith('nothing') === false,
      );
    for (const { station, load } of scalable(enough)) expect([station.name, load <= 0.6]).toEqual([station.name, true]);
    for (const name of ['smtpNodes', 'workerNodes', 'mongodbShards'] as const) {
      const less = { ...enough, [name]: enough[name] - 1 };
      expect([name, scalable(less).some(({ load }) => load > 0.6)]).toEqual([name, true]);
    }
  });

  test('goes in straight lines through what was measured', () => {
    const costs = measuredCosts();
    for (const run of costs.runs) {
      expect(messageCost(costs, run).smtpCpu).toBeGreaterThanOrEqual(run.smtpCpu - 1e-9);
    }
    const [one, ten] = [1, 10].map((recipients) => messageCost(costs, { recipients, size: 5_000 }));
    expect(ten?.accountsCpu ?? 0).toBeGreaterThan(one?.accountsCpu ?? 0);
  });
});

describe('a simulated fleet', () => {
  test('works as much as the arithmetic says', () => {
    const fleetModel = model(cost, fleet, assumptions);
    const { stations, until } = simulate(atPeak(fleetModel, workload, 30_000, 1));
    for (const [n, { load, station }] of loads(fleetModel, peakRate(workload)).entries()) {
      const simulated = stations[n]?.utilisation ?? 0;
      expect([station.name, Math.abs(simulated - load) < 0.05 * load]).toEqual([station.name, true]);
    }
    const accepted = until[fleetModel.accepted]?.mean ?? 0;
    // What is done before the 250 takes 1 + 0.1 + 0.2 ms, with waits little more.
    expect(accepted).toBeGreaterThan(1.3);
    expect(accepted).toBeLessThan(1.45);
  });
});

describe('a day', () => {
  test('has as many mails as it has, however they are spread', () => {
    for (const peak of [1, 2, 3, highestPeak]) {
      const minutes = Array.from({ length: 24 * 60 }, (_, minute) => profile(peak, minute / 60));
      expect(minutes.reduce((sum, one) => sum + one, 0) / minutes.length).toBeCloseTo(1, 6);
      expect(Math.max(...minutes)).toBeCloseTo(peak, 6);
      expect(Math.min(...minutes)).toBeGreaterThanOrEqual(-1e-9);
    }
  });

  test('with room to spare leaves nobody waiting', () => {
    expect(day(model(cost, fleet, assumptions), workload)).toEqual({
      overloadedHours: 0,
      backlog: { messages: 0, hour: 0 },
      drainedAfter: 0,
    });
  });

  test('keeps what is too much for its hour, and works it off in the evening', () => {
    const full = { ...workload, mailsPerDay: 800 * 86_400 * 0.8, peak: 2 };
    const fleetModel = model(cost, fleet, assumptions);
    const { overloadedHours, backlog, drainedAfter } = day(fleetModel, full);
    expect(overloadedHours).toBeGreaterThan(4);
    expect(backlog.hour).toBeGreaterThan(12);
    // What came above 800 a second while more came than that.
    const minutes = Array.from({ length: 24 * 60 }, (_, minute) => meanRate(full) * profile(2, minute / 60));
    const above = minutes.reduce((sum, rate) => sum + Math.max(0, rate - 800) * 60, 0);
    expect(backlog.messages / above).toBeCloseTo(1, 2);
    expect(drainedAfter ?? 0).toBeGreaterThan(overloadedHours);
    // Where more comes in a day than can go, it never ends.
    expect(day(fleetModel, { ...full, mailsPerDay: 801 * 86_400 }).drainedAfter).toBeNull();
  });
});

describe('npm run simulate', () => {
  const run = (...args: string[]): string =>
    execFileSync(process.execPath, ['benches/fleet/simulate.ts', '--messages', '5000', ...args], { encoding: 'utf8' });

  test('prints fleets for one, ten and a hundred million mails, and the same each time', () => {
    const text = run();
    expect(text).toContain('| 100,000,000 | 3,472 |');
    expect(run()).toBe(text);
  });

  test('prints where the next bottleneck stands, and what too small a fleet does in a day', () => {
    const small = run('--mails', '20000000', '--mongodb', '1', '--mongodb-writes', '1000');
    expect(small).toContain('**Next bottleneck: MongoDB, mail**');
    expect(small).toMatch(/More comes than MongoDB, mail can take: .* messages wait/);
    expect(run('--mails', '1000000', '--mongodb-writes', String(defaultAssumptions.mongodbWrites))).toMatch(
      /From the dot to the 250: [\d.]+ ms \(p99 [\d.]+\)/,
    );
  });

  test('says what is wrong with an option', () => {
    expect(() => run('--mails', 'many')).toThrow(/--mails is many; a number above 0 is needed/);
    expect(() => run('--peak', '4')).toThrow(/--peak is 4; a number from 1 to 3.2 is needed/);
  });
});
