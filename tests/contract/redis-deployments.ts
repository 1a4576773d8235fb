import { Cluster, type Redis } from 'ioredis';
import { afterAll, beforeAll } from 'vitest';
import { parseRedisUrl, type RedisAddress } from '../../core/config/redis-url.ts';
import { createLog } from '../../core/observability/log.ts';
import type { AcceptedRecipients } from '../../core/storage/ports/accepted-recipients.ts';
import type { RedisTimes } from '../../core/storage/redis/connection.ts';
import { RedisLink } from '../../core/storage/redis/link.ts';
import { describeWith } from '../support/describe-with.ts';
import { startRedisCluster } from '../support/redis-cluster.ts';
import { startRedisSentinel } from '../support/redis-sentinel.ts';
import { type RedisDeployment, startRedis } from '../support/redis-servers.ts';

/** A slow machine is no lost server. */
export const patientTimes: RedisTimes = { answerMilliseconds: 20_000, silenceMilliseconds: 40_000 };

/** What a suite is given: a deployment that is up, and links to it below a prefix of its own. */
export interface DeploymentUnderTest {
  address(): RedisAddress;
  /** A link that is ready, and ends with the suite. */
  link(times?: RedisTimes): Promise<RedisLink>;
  /** Redis forgets everything; on the given one all that is ours. */
  flush(): Promise<void>;
}

const given = process.env.SLUICE_TEST_REDIS_URL;
const kinds: readonly [string, () => Promise<RedisDeployment>][] = [
  ['a single Redis', () => startRedis()],
  ['a Redis with TLS', () => startRedis({ tls: true })],
  ['Redis behind sentinels', startRedisSentinel],
  ['a cluster of Redis', startRedisCluster],
];

/** Runs suites on each kind of deployment, and on the one of SLUICE_TEST_REDIS_URL where that is set. */
export function describeRedis(name: string, suites: (on: string, deployment: DeploymentUnderTest) => void): void {
  for (const [on, start] of kinds) {
    describeWith(['redis-server'], `${name} on ${on}`, () => suites(on, started(start)));
  }
  if (given === undefined) return;
  const running = { url: given, servers: [], [Symbol.asyncDispose]: async () => undefined };
  describeWith(['redis'], `${name} on the given Redis`, () =>
    suites(
      'the given Redis',
      started(async () => running),
    ),
  );
}

function started(start: () => Promise<RedisDeployment>): DeploymentUnderTest {
  let deployment: RedisDeployment | undefined;
  const links: RedisLink[] = [];
  const address = (): RedisAddress => {
    const read = parseRedisUrl(deployment?.url ?? '');
    if ('problem' in read) throw new Error(read.problem);
    return { ...read, prefix: `sluice-test-${process.pid}` };
  };
  const link = async (times = patientTimes): Promise<RedisLink> => {
    const opened = new RedisLink({ address: address(), log: createLog({ level: 'silent' }), times });
    links.push(opened);
    await opened.ready();
    return opened;
  };
  beforeAll(async () => {
    deployment = await start();
    await link();
  }, 60_000);
  afterAll(async () => {
    const [first] = links;
    if (first !== undefined && deployment?.servers.length === 0) await removeKeys(first);
    await Promise.all(links.map((one) => one.close()));
    await deployment?.[Symbol.asyncDispose]();
  });
  const flush = async () => {
    for (const master of masters(await link())) {
      if (deployment?.servers.length !== 0) await master.flushall();
    }
    if (deployment?.servers.length === 0) await removeKeys(await link());
  };
  return { address, link, flush };
}

/** The masters behind a link. */
const masters = ({ commands }: RedisLink): Redis[] =>
  commands instanceof Cluster ? commands.nodes('master') : [commands];

/** All keys of the link's prefix that match, with the server that holds them. */
async function* keysOf(link: RedisLink, pattern: string): AsyncGenerator<[Redis, string]> {
  for (const master of masters(link)) {
    let cursor = '0';
    do {
      const [next, keys] = await master.scan(cursor, 'MATCH', link.key(pattern), 'COUNT', 1_000);
      for (const key of keys) yield [master, key];
      cursor = next;
    } while (cursor !== '0');
  }
}

/** Removes what a test before this one left behind, or all. */
export async function removeKeys(link: RedisLink, pattern = '*'): Promise<void> {
  for await (const [master, key] of keysOf(link, pattern)) await master.del(key);
}

const endLeases = `
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', ARGV[1], 'BYSCORE')) do redis.call('ZADD', KEYS[1], 0, id) end
`;

/** Moves the ends of all leases into the past, but not the time for which settled reservations are remembered. */
export async function expireLeases(link: RedisLink): Promise<void> {
  const limit = Date.now() + 5 * 60_000;
  for await (const [master, key] of keysOf(link, 'counters:*:leases')) await master.eval(endLeases, 1, key, limit);
}

/** Brings the ends of all windows of rates nearer. */
export async function passRates(link: RedisLink, milliseconds: number): Promise<void> {
  for await (const [master, key] of keysOf(link, 'rates:*')) {
    const ends = Number(await master.call('PEXPIRETIME', key));
    await master.pexpireat(key, ends - milliseconds);
  }
}

/** A database for counters: mail is accepted in it by `accept`. */
export class AcceptedMail implements AcceptedRecipients {
  readonly #mail: { owner: string; at: number; recipients: number }[] = [];
  #held: Promise<void> | undefined;
  asked = 0;
  broken = false;

  accept(owner: string, at: number, recipients: number): void {
    this.#mail.push({ owner, at, recipients });
  }

  /** Questions are answered when the function is called that this answers. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    return resolve;
  }

  async accepted(owner: string, from: number, until: number): Promise<number> {
    this.asked += 1;
    await this.#held;
    if (this.broken) throw new Error('the database is away');
    const counted = this.#mail.filter((mail) => mail.owner === owner && mail.at >= from && mail.at < until);
    return counted.reduce((sum, { recipients }) => sum + recipients, 0);
  }
}
