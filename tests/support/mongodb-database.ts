import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { MongoClient } from 'mongodb';
import { inject } from 'vitest';
import type { MongodbAnswer } from './mongodb-setup.ts';

/** The address of a database on a server whose address may name another one. */
export const uriOf = (server: string, database: string): string =>
  server.replace(/^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/[^?]*)?/, `$1/${database}`);

/** The server that all tests of a run share: the one told to them, else one that is started for the first. */
export async function sharedMongodb(): Promise<string> {
  const given = process.env.SLUICE_TEST_MONGODB_URI;
  if (given !== undefined) return given;
  const socket = connect(inject('mongodbSocket'));
  const answer: MongodbAnswer = JSON.parse(await text(socket));
  if ('error' in answer) throw new Error(answer.error);
  return answer.uri;
}

export interface TestDatabase extends AsyncDisposable {
  readonly uri: string;
  /** Deletes it. */
  drop(): Promise<void>;
}

/** An empty database of one test on the shared server, or on `server`. */
export async function testDatabase(server?: string): Promise<TestDatabase> {
  const uri = uriOf(server ?? (await sharedMongodb()), `sluice_test_${randomUUID()}`);
  const drop = async () => {
    await using client = new MongoClient(uri);
    await client.db().dropDatabase();
  };
  return { uri, drop, [Symbol.asyncDispose]: drop };
}
