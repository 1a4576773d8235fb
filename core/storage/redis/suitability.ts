import { Cluster } from 'ioredis';
import type { RedisConnection } from './connection.ts';

export interface Faults {
  /** Sluice must not use this Redis. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

const oldestMajor = 7;

/** What makes a server unfit for counters. Rejects while Redis does not answer. */
export async function redisFaults(connection: RedisConnection): Promise<Faults> {
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const [where, info] of await infosOf(connection)) {
    const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
    const version = field('redis_version');
    if (Number.parseInt(version, 10) < oldestMajor) {
      problems.push(`Redis (${where}) has version ${version}; ${oldestMajor} or newer is needed`);
    }
    const policy = field('maxmemory_policy');
    if (policy === 'noeviction') continue;
    const means = `Redis (${where}) has maxmemory-policy ${policy}: when its memory is full it forgets counters`;
    if (field('maxmemory') === '0') warnings.push(`${means}. It has no maxmemory now; set maxmemory-policy noeviction`);
    else problems.push(`${means}. Set maxmemory-policy noeviction`);
  }
  return { problems, warnings };
}

/** Where each server is, as the messages say it, and what it tells of itself. */
async function infosOf(connection: RedisConnection): Promise<[string, string][]> {
  if (!(connection instanceof Cluster)) return [['the master', await connection.info()]];
  // Sent through the cluster first, so that one that is not ready rejects.
  await connection.ping();
  return Promise.all(
    connection.nodes('master').map(async (node): Promise<[string, string]> => {
      return [`at ${node.options.host}:${node.options.port}`, await node.info()];
    }),
  );
}
