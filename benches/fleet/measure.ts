/*
 * Measures what one message costs in a cluster of real processes, and writes it to costs.json:
 *   node benches/fleet/measure.ts [messages]
 * One SMTP server, one worker, one API, redis-server, and the MongoDB that the tests use, of which only what is asked is
 * counted: how long it takes says nothing where it is no MongoDB.
 */
import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { createCredential, registerFirst } from '../../tests/support/api-client.ts';
import { startCaptureSink } from '../../tests/support/capture-sink.ts';
import { type Cluster, startCluster } from '../../tests/support/cluster.ts';
import { machineName } from '../../tests/support/machine.ts';
import { startMongodbProxy } from '../../tests/support/mongodb-proxy.ts';
import { startMongodb } from '../../tests/support/mongodb-server.ts';
import { waitingMail } from '../../tests/support/queue-state.ts';
import { startRedis } from '../../tests/support/redis-servers.ts';
import { SmtpDialogue } from '../../tests/support/smtp-dialogue.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import { processorTime } from '../measure/process-tree.ts';
import { type CommandCount, CommandCounts } from './command-counts.ts';
import { type Costs, costsFile, type Measured } from './costs.ts';
import { beginRecording, recorded, redisCpu } from './redis-costs.ts';

const messages = Number(process.argv[2] ?? 1_000);
const connections = 10;
/** What happens without mail is measured for so long, and taken off. */
const idleMilliseconds = 20_000;
/** The first messages warm the processes up. */
const warmUp = 1_000;

const kinds = [
  { recipients: 1, size: 5_000 },
  { recipients: 5, size: 5_000 },
  { recipients: 1, size: 100_000 },
] as const;

/** Answers how often it was told to come again. */
async function send(
  cluster: Cluster,
  login: { username: string; password: string },
  { recipients, size, count }: { recipients: number; size: number; count: number },
): Promise<number> {
  const line = `${'x'.repeat(70)}\r\n`;
  const body = `From: me@example.com\r\nSubject: measured\r\n\r\n${line.repeat(Math.ceil(size / line.length))}`;
  const addresses = Array.from({ length: recipients }, (_, n) => `to-${n}@example${n}.org`);
  let left = count;
  let again = 0;
  const session = async (): Promise<void> => {
    await using client = await SmtpDialogue.open(cluster.smtp[0]?.port ?? 0);
    await client.expect(250, 'EHLO client.test');
    const { code, text } = await client.login(login.username, login.password);
    if (code !== 235) throw new Error(`the login was answered ${code} ${text}`);
    while (left > 0) {
      left -= 1;
      const reply = await client.send('me@example.com', addresses, body);
      if (reply.code === 250) continue;
      left += 1;
      throw new Error(`a message was answered ${reply.code} ${reply.text}`);
    }
  };
  const work = async (): Promise<void> => {
    while (left > 0) {
      await session().catch(async (error: Error) => {
        // A machine that is busy with other things is late, and Sluice then takes no mail.
        again += 1;
        if (again > count) throw error;
        await pause(1_000);
      });
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  return again;
}

const perMessage = (value: number): number => Number(Math.max(0, value / messages).toFixed(4));

await using mongodb = await startMongodb();
await using proxy = await startMongodbProxy({ host: '127.0.0.1', port: mongodb.port });
const counts = new CommandCounts();
proxy.meddle((command) => counts.count(command));
await using redis = await startRedis();
await using sink = await startCaptureSink({ keepRaw: false });
await using cluster = await startCluster({
  mongodb: `mongodb://127.0.0.1:${proxy.port}/sluice?directConnection=true`,
  redis: redis.url,
  wait: false,
  configure: (config) => ({
    ...config,
    log: { level: 'info' },
    smtp: {
      ...config.smtp,
      listeners: (config.smtp?.listeners ?? []).map((listener) => ({ ...listener, auth_without_tls: true })),
    },
    plugins: config.plugins.map((plugin) =>
      plugin.use === 'delivery'
        ? { ...plugin, config: { upstreams: [{ name: 'default', host: '127.0.0.1', port: sink.port, tls: 'none' }] } }
        : plugin.use === 'rate-limit'
          ? {
              ...plugin,
              config: {
                credential: { messages: { limit: 1_000_000, window: '1h' } },
                user: { messages: { limit: 1_000_000, window: '1h' } },
              },
            }
          : plugin,
    ),
  }),
});
// A machine that others use, too, may be slow.
await Promise.all(cluster.all.map((one) => one.ready(300_000)));
const account = await registerFirst(cluster.api);
const login = await createCredential(account);
const smtpPid = cluster.smtp[0]?.child.pid ?? 0;
const workerPid = cluster.workers[0]?.child.pid ?? 0;
const isEmpty = async (): Promise<boolean> => (await waitingMail(account)).messages === 0;

async function span(work: () => Promise<unknown>) {
  counts.take();
  await beginRecording(redis.admin);
  const before = { smtp: processorTime(smtpPid), worker: processorTime(workerPid), redis: await redisCpu(redis.admin) };
  const began = performance.now();
  await work();
  return {
    milliseconds: performance.now() - began,
    smtp: processorTime(smtpPid) - before.smtp,
    worker: processorTime(workerPid) - before.worker,
    redisCpu: (await redisCpu(redis.admin)) - before.redis,
    mongodb: counts.take(),
    redis: await recorded(redis.admin),
  };
}

async function measured(kind: (typeof kinds)[number]): Promise<Measured> {
  await send(cluster, login, { ...kind, count: warmUp });
  await waitFor('the queue to be empty', isEmpty, { timeout: 900_000, interval: 500 });
  // What the warm-up left to do is done by then.
  await pause(5_000);
  const idle = await span(() => pause(idleMilliseconds));
  let again = 0;
  const busy = await span(async () => {
    again = await send(cluster, login, { ...kind, count: messages });
    await waitFor('the queue to be empty', isEmpty, { timeout: 900_000, interval: 500 });
  });
  if (again > messages / 20) {
    console.log(`${again} refusals, which cost something, too: measured once more`);
    return measured(kind);
  }
  const share = busy.milliseconds / idle.milliseconds;
  const net = (of: number, without: number | undefined): number => perMessage(of - (without ?? 0) * share);
  // What a command costs beside running: reading it, answering it.
  const commands = [...busy.redis.values()].reduce((sum, one) => sum + one.commands, 0);
  const ran = [...busy.redis.values()].reduce((sum, one) => sum + one.ran, 0);
  const beside = Math.max(0, busy.redisCpu - ran) / Math.max(1, commands);
  const none: CommandCount = { commands: 0, writes: 0, inserted: 0 };
  return {
    ...kind,
    messages,
    smtpCpu: net(busy.smtp, idle.smtp),
    workerCpu: net(busy.worker, idle.worker),
    redis: Object.fromEntries(
      [...busy.redis].sort().map(([family, one]) => {
        const still = idle.redis.get(family);
        const cpuOf = (of: { commands: number; ran: number }) => of.ran + of.commands * beside;
        return [
          family,
          {
            commands: net(one.commands, still?.commands),
            cpu: net(cpuOf(one), still === undefined ? 0 : cpuOf(still)),
          },
        ];
      }),
    ),
    mongodb: Object.fromEntries(
      [...busy.mongodb].sort().flatMap(([collection, one]) => {
        const still = idle.mongodb.get(collection) ?? none;
        const cost = {
          commands: net(one.commands, still.commands),
          writes: net(one.writes, still.writes),
          inserted: Math.round(net(one.inserted, still.inserted)),
        };
        return cost.commands + cost.writes < 0.01 ? [] : [[collection, cost]];
      }),
    ),
  };
}

const runs: Measured[] = [];
for (const kind of kinds) {
  runs.push(await measured(kind));
  console.log(JSON.stringify(runs.at(-1), null, 2));
}
const redisVersion = /redis_version:(\S+)/.exec(await redis.admin.info('server'))?.[1] ?? 'unknown';
const costs: Costs = {
  measuredOn: new Date().toISOString().slice(0, 10),
  machine: machineName(),
  loadAverage: Math.round(loadavg()[1] ?? 0),
  versions: { node: process.version, redis: redisVersion, mongodb: mongodb.kind },
  how:
    `${connections} connections, login once each, ${messages} messages a run after ${warmUp} to warm up, all shipped ` +
    `plugins but the Haraka bridge, no TLS; what ${idleMilliseconds / 1_000} s without mail cost is taken off`,
  runs,
};
await writeFile(costsFile, `${JSON.stringify(costs, null, 2)}\n`);
