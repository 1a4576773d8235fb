import { MongoClient, MongoServerError } from 'mongodb';
import { freePort } from './free-port.ts';
import { type MongodbKind, mongodbKind } from './mongodb-kind.ts';
import { type MongodbProcessOptions, mongodbProcess, replicaSetName } from './mongodb-process.ts';
import { connects } from './tcp-ready.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { waitFor } from './wait-for.ts';

/** A server of a test's own: MongoDB, or what speaks its protocol. */
export interface MongodbServer extends AsyncDisposable {
  readonly kind: MongodbKind;
  readonly port: number;
  /** Names no database. */
  readonly uri: string;
  /** Ends it in order; its data stay where it was started with `keep`. */
  end(): Promise<void>;
  /** Starts it again after `end`, on the same port. */
  start(): Promise<void>;
  /** It keeps its connections and answers nothing, until `thaw`. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Ends it and deletes what it kept. */
  stop(): Promise<void>;
}

/** Makes a new server the only member of its replica set, and waits until it takes writes. */
async function initiate(port: number): Promise<void> {
  await using client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`);
  const admin = client.db().admin();
  const members = [{ _id: 0, host: `127.0.0.1:${port}` }];
  try {
    await admin.command({ replSetInitiate: { _id: replicaSetName, members } });
  } catch (error) {
    if (!(error instanceof MongoServerError) || error.codeName !== 'AlreadyInitialized') throw error;
  }
  await waitFor('the election of the only member', async () => (await admin.command({ hello: 1 })).isWritablePrimary, {
    timeout: 30_000,
  });
}

/** Starts the first kind of server that can be had here (docs: CONTRIBUTING.md); rejects where there is none. */
export async function startMongodb(
  options: Partial<Pick<MongodbProcessOptions, 'keep' | 'memory'>> = {},
): Promise<MongodbServer> {
  const kind = mongodbKind();
  if (kind === undefined) throw new Error('no MongoDB can be had here: put mongod on PATH, or install a JDK and Maven');
  const folder = await temporaryFolder('mongodb');
  const port = await freePort();
  const server = await mongodbProcess(kind, { keep: false, ...options, port, folder: folder.path });
  const start = async () => {
    await server.start();
    await waitFor(
      `${kind} to listen on ${port}`,
      () => {
        const failure = server.failure();
        return failure === undefined ? connects(port) : Promise.resolve(true);
      },
      { timeout: 60_000 },
    );
    const failure = server.failure();
    if (failure !== undefined) throw new Error(`${kind} ${failure}`);
    if (server.replicaSet) await initiate(port);
  };
  const stop = async () => {
    await server.end();
    await folder.remove();
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    kind,
    port,
    uri: `mongodb://127.0.0.1:${port}/${server.replicaSet ? `?replicaSet=${replicaSetName}` : ''}`,
    end: server.end,
    start,
    freeze: server.freeze,
    thaw: server.thaw,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
