/*
 * `npm run test:soak`: a cluster with the intervals of production, under a steady load, while everything it is made of
 * fails in turn. Tells by its exit code whether all came back in time and no mail was lost, and writes docs/soak.md.
 */
import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import sluicePackage from '../../package.json' with { type: 'json' };
import { available } from '../support/available.ts';
import { machineName } from '../support/machine.ts';
import { mongodbName, redisName } from '../support/server-names.ts';
import { type Deployment, startDeployment } from './deployment.ts';
import { document, type FaultSeen, type SoakResult } from './document.ts';
import { type FaultKind, faultKinds } from './faults.ts';
import { judgement } from './judgement.ts';
import { MemoryWatch } from './memory.ts';
import { readOptions, type SoakOptions, usage } from './options.ts';
import { recovery } from './recovery.ts';
import { type Appointment, schedule } from './schedule.ts';
import { verdict } from './verdict.ts';

const minute = 60_000;
/** Between two faults, in milliseconds, however late it is. */
const breath = 10_000;

const say = (text: string): void => {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
};

const servers = async ({ mongodb, redis }: Deployment): Promise<string[]> => [
  `${await mongodbName(mongodb)}${mongodb.kind === 'mongo-java-server' ? ' on H2 in place of MongoDB' : ''}`,
  `${await redisName(redis)} with its append-only file`,
];

const intervals = ({ worker, cluster }: Deployment['config']): string[] => {
  const shown = { lease: worker.lease, renewal: worker.lease_renewal, sweep: worker.sweep, ...cluster };
  const times = { ...shown, 'first retry': worker.retry.first, 'ambiguous delay': worker.ambiguous_delay };
  return Object.entries(times).map(([name, milliseconds]) => `${name} ${milliseconds / 1_000} s`);
};

async function suffer(
  deployment: Deployment,
  { kind, round }: Appointment<FaultKind>,
  { upstreamOutage, signal }: { upstreamOutage: number; signal: AbortSignal },
): Promise<FaultSeen> {
  const began = Date.now();
  const also = await kind.happen({ deployment, round, upstreamOutage, signal });
  const ended = Date.now();
  const back = await recovery(deployment, { ended, also: also ?? (async () => true), signal });
  say(`${kind.title}: well again after ${(back.whole / 1_000).toFixed(1)} s`);
  return { title: kind.title, began, ended, recovery: back, allowed: kind.recovery, load: loadavg()[0] ?? 0 };
}

async function soak(options: SoakOptions, signal: AbortSignal): Promise<SoakResult> {
  await using deployment = await startDeployment(options.rate);
  const { cluster, sink } = deployment;
  const began = Date.now();
  const length = options.minutes * minute;
  const memory = new MemoryWatch(cluster.all, length / 120);
  try {
    say(`all has started; the load lasts until ${new Date(began + length).toISOString().slice(11, 19)}`);
    const faults: FaultSeen[] = [];
    for (const appointment of schedule(faultKinds, options.rounds, length)) {
      await delay(Math.max(breath, began + appointment.at - Date.now()), undefined, { signal });
      faults.push(await suffer(deployment, appointment, { upstreamOutage: length / 20, signal }));
    }
    await delay(Math.max(0, began + length - Date.now()), undefined, { signal });
    const ended = Date.now();
    const used = memory.finish();
    say(`the load ends; ${sink.mails.length} deliveries so far`);
    const found = await verdict(deployment, signal);
    const exits = await Promise.all(cluster.all.map(async (one) => ({ role: one.role, ...(await one.terminate()) })));
    const seen = { faults, memory: used, verdict: found, began, ended };
    return {
      ...seen,
      options,
      date: new Date(),
      machine: machineName(),
      servers: await servers(deployment),
      version: sluicePackage.version,
      intervals: intervals(deployment.config),
      mails: [...sink.mails],
      failures: judgement(seen, exits),
    };
  } catch (error) {
    if (!signal.aborted) say(cluster.output().slice(-20_000));
    throw error;
  } finally {
    memory.finish();
  }
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(`${usage}\n`);
    return;
  }
  for (const need of ['mongodb-process', 'redis-server'] as const) {
    const { found, remedy } = available(need);
    if (found === undefined) throw new Error(`${need} cannot be had here: ${remedy}`);
  }
  const ending = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => ending.abort(new Error(`ended by ${signal}`)));
  }
  const result = await soak(options, ending.signal);
  const text = document(result);
  process.stdout.write(text);
  if (options.output !== null) await writeFile(resolve(options.output), text);
  process.exitCode = result.failures.length === 0 ? 0 : 1;
}

try {
  await main();
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
}
