import { describe, expect, test } from 'vitest';
import {
  meanWaitConstant,
  meanWaitExponential,
  probabilityOfWaiting,
  utilisation,
  waitQuantileExponential,
} from './queueing.ts';
import { type Experiment, type Station, simulate as simulateRoute } from './simulation.ts';

type Served = Station & { readonly service: number };
const station = (change: Partial<Served>): Served => ({
  name: 'one',
  servers: 1,
  sharing: 'pool',
  service: 10,
  spread: 'exponential',
  ...change,
});
/** Each station once, in this order. */
const simulate = ({ stations, ...rest }: Omit<Experiment, 'route' | 'stations'> & { stations: Served[] }) =>
  simulateRoute({ ...rest, stations, route: stations.map(({ service }, n) => ({ station: n, service })) });
const messages = 200_000;
/** Of a value that is estimated from a sample: within so much of what is exact. */
const near = (exact: number, share = 0.05) => [exact * (1 - share), exact * (1 + share)] as const;
function expectNear(value: number, exact: number, share?: number): void {
  const [low, high] = near(exact, share);
  expect(value).toBeGreaterThan(low);
  expect(value).toBeLessThan(high);
}

describe('the formulas', () => {
  test('agree with what is in the books', () => {
    // M/M/1 at half its capacity: waits are as long as a service on average.
    expect(meanWaitExponential(0.05, 10, 1)).toBeCloseTo(10, 10);
    expect(probabilityOfWaiting(0.05, 10, 1)).toBeCloseTo(0.5, 10);
    expect(meanWaitConstant(0.05, 10)).toBeCloseTo(5, 10);
    // Erlang C of 2 Erlang on 3 servers is 4/9.
    expect(probabilityOfWaiting(2, 1, 3)).toBeCloseTo(4 / 9, 10);
    expect(waitQuantileExponential(0.05, 10, 1, 0.99)).toBeCloseTo(20 * Math.log(50), 8);
    expect(waitQuantileExponential(0.05, 10, 1, 0.4)).toBe(0);
    expect(utilisation(2, 1, 4)).toBe(0.5);
  });
});

describe('a simulated station', () => {
  test.each([
    { rate: 50, servers: 1 },
    { rate: 80, servers: 1 },
    { rate: 320, servers: 4 },
    { rate: 1_200, servers: 16 },
  ])('waits as M/M/$servers does at $rate a second', ({ rate, servers }) => {
    const [result] = simulate({ stations: [station({ servers })], rate, messages, seed: 7 }).stations;
    if (result === undefined) throw new Error('there is one');
    expectNear(result.wait.mean, meanWaitExponential(rate / 1_000, 10, servers), 0.08);
    expectNear(result.wait.p99, waitQuantileExponential(rate / 1_000, 10, servers, 0.99), 0.1);
    expectNear(result.utilisation, utilisation(rate / 1_000, 10, servers), 0.02);
  });

  test.each([50, 80])('waits as M/D/1 does at %i a second', (rate) => {
    const [result] = simulate({ stations: [station({ spread: 'constant' })], rate, messages, seed: 3 }).stations;
    expectNear(result?.wait.mean ?? 0, meanWaitConstant(rate / 1_000, 10));
  });

  test('is as many queues of their own where its servers are shards', () => {
    const shards = station({ servers: 4, sharing: 'shards' });
    const [result] = simulate({ stations: [shards], rate: 240, messages, seed: 5 }).stations;
    expectNear(result?.wait.mean ?? 0, meanWaitExponential(0.06, 10, 1), 0.08);
  });

  test('has inside what comes in times how long it stays (Little)', () => {
    const stations = [station({ name: 'first', servers: 3 }), station({ name: 'second', spread: 'constant' })];
    for (const result of simulate({ stations, rate: 85, messages, seed: 11 }).stations) {
      expectNear(result.inside, (result.throughput / 1_000) * result.sojourn, 0.02);
    }
  });

  test('passes on what it got, so that a row of M/M/1 is as its parts (Burke)', () => {
    const stations = [station({ name: 'first' }), station({ name: 'second', service: 12 })];
    const { until } = simulate({ stations, rate: 60, messages, seed: 13 });
    const alone = (service: number) => service / (1 - 0.06 * service);
    expectNear(until[0]?.mean ?? 0, alone(10));
    expectNear(until[1]?.mean ?? 0, alone(10) + alone(12), 0.06);
  });

  test('that is visited twice has the load of both, and waits of both', () => {
    const both = { station: 0, service: 5 };
    const other = { station: 1, service: 1 };
    const stations = [station({}), station({ servers: 100 })];
    const { stations: results, until } = simulateRoute({
      stations,
      route: [both, other, both],
      rate: 70,
      messages,
      seed: 17,
    });
    expectNear(results[0]?.utilisation ?? 0, 0.7, 0.02);
    expectNear(results[0]?.throughput ?? 0, 140, 0.02);
    expectNear(results[0]?.wait.mean ?? 0, meanWaitExponential(0.14, 5, 1), 0.1);
    expectNear(until[2]?.mean ?? 0, 2 * (results[0]?.sojourn ?? 0) + 1, 0.02);
  });

  test('lets the queue grow where more comes than it can take', () => {
    const overloaded = (count: number) =>
      simulate({ stations: [station({})], rate: 120, messages: count, seed: 1 }).stations[0];
    const [short, long] = [overloaded(5_000), overloaded(50_000)];
    expect(short?.utilisation).toBeGreaterThan(0.99);
    expect(long?.wait.mean ?? 0).toBeGreaterThan(5 * (short?.wait.mean ?? 0));
    expectNear(long?.throughput ?? 0, 100, 0.02);
  });

  test('is the same for the same seed, and another for another', () => {
    const run = (seed: number) => simulate({ stations: [station({})], rate: 50, messages: 1_000, seed });
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
  });
});
