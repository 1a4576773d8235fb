import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import type { MongodbServer } from './mongodb-server.ts';
import type { RedisServer } from './redis-servers.ts';

/** What stood for MongoDB, with its version, as a report names it. */
export async function mongodbName({ kind, uri }: Pick<MongodbServer, 'kind' | 'uri'>): Promise<string> {
  if (kind === 'mongo-java-server') {
    const pom = await readFile(join(import.meta.dirname, 'mongo-java-server/pom.xml'), 'utf8');
    const [, version] = /<artifactId>mongo-java-server<\/artifactId><version>([^<]+)/.exec(pom) ?? [];
    return `mongo-java-server ${version}`;
  }
  await using client = new MongoClient(uri);
  const { version } = await client.db().admin().buildInfo();
  return `MongoDB ${version}`;
}

export async function redisName({ admin }: Pick<RedisServer, 'admin'>): Promise<string> {
  const [, version] = /^redis_version:(\S+)/m.exec(await admin.info('server')) ?? [];
  return `Redis ${version}`;
}
