import { createServer } from 'node:net';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { isMongoJavaServerFetched, mongoJavaServer } from './mongo-java-server.ts';
import { mongodbKind } from './mongodb-kind.ts';
import type { MongodbServer } from './mongodb-server.ts';
import { temporaryFolder } from './temporary-folder.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Socket that tells where the MongoDB of this run is, and starts it for the first who asks. */
    mongodbSocket: string;
  }
}

/** What the socket answers: one line of JSON. */
export type MongodbAnswer = { readonly uri: string } | { readonly error: string };

/** Before the clocks of tests run; what is wrong with it, the tests that need it will say. */
async function fetchServer(): Promise<void> {
  if (process.env.SLUICE_TEST_MONGODB_URI !== undefined || (await isMongoJavaServerFetched())) return;
  if (mongodbKind() === 'mongo-java-server') await mongoJavaServer().catch(() => undefined);
}

/** Global setup of vitest: one MongoDB a run, started when a test file first asks for it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await fetchServer();
  const folder = await temporaryFolder('mongodb-socket');
  const socket = join(folder.path, 'ask');
  let started: Promise<MongodbServer> | undefined;
  const server = createServer((connection) => {
    connection.on('error', () => undefined);
    // Not loaded by the many runs that need none.
    started ??= import('./mongodb-server.ts').then(({ startMongodb }) => startMongodb());
    started.then(
      ({ uri }) => answer({ uri }),
      (error: unknown) => answer({ error: String(error) }),
    );
    const answer = (said: MongodbAnswer): void => {
      connection.end(`${JSON.stringify(said)}\n`);
    };
  });
  await new Promise<void>((resolve) => {
    server.listen(socket, resolve);
  });
  project.provide('mongodbSocket', socket);
  return async () => {
    server.close();
    await started?.then(
      (mongodb) => mongodb.stop(),
      // Whoever asked for it was told why.
      () => undefined,
    );
    await folder.remove();
  };
}
