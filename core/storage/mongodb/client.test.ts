import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '../../../tests/support/describe-with.ts';
import { startFakeMongodb } from '../../../tests/support/fake-mongodb.ts';
import { freePort } from '../../../tests/support/free-port.ts';
import { uriOf } from '../../../tests/support/mongodb-database.ts';
import { type MongodbServer, startMongodb } from '../../../tests/support/mongodb-server.ts';
import { waitFor } from '../../../tests/support/wait-for.ts';
import { connectMongodb } from './client.ts';

const { signal } = new AbortController();

/** A log, and what was said in it. */
const recording = () => {
  const said: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => said.push(line) });
  return { log, said: () => said.join('') };
};

describeWith(['mongodb-process'], 'a connection to MongoDB', () => {
  let server: MongodbServer;
  beforeAll(async () => {
    server = await startMongodb({ keep: true });
  });
  afterAll(() => server.stop());

  const connect = (log = recording().log) => connectMongodb({ uri: uriOf(server.uri, 'sluice_test'), log, signal });
  const count = (database: Awaited<ReturnType<typeof connect>>) =>
    database.ask(() => database.collection('users').countDocuments());

  it('waits for a server that is not there yet, and says so', async () => {
    await server.end();
    const { log, said } = recording();
    const connecting = connect(log);
    await waitFor('the message', () => said().includes('MongoDB does not answer: waiting for it'));
    await server.start();
    await (await connecting).close();
    expect(said()).toContain(`127.0.0.1:${server.port}`);
    expect(said()).toContain('MongoDB answers now');
  });

  it('stops waiting when it is told to, and never tells the password', async () => {
    const stop = new AbortController();
    const { log, said } = recording();
    const uri = `mongodb://anna:s3cret@127.0.0.1:${await freePort()}/sluice`;
    const connecting = connectMongodb({ uri, log, signal: stop.signal });
    connecting.catch(() => undefined);
    await waitFor('the message', () => said().includes('waiting for it'));
    stop.abort();
    await expect(connecting).rejects.toMatchObject({ name: 'AbortError' });
    expect(said()).not.toContain('s3cret');
  });

  it('answers in time while the server is frozen, and works again afterwards', { timeout: 60_000 }, async () => {
    const database = await connect();
    await server.freeze();
    const before = performance.now();
    await expect(count(database)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    // 10 s are promised; the rest is for a machine that is busy with other tests.
    expect(performance.now() - before).toBeLessThan(13_000);
    await server.thaw();
    await waitFor('an answer', async () => (await count(database)) === 0, { timeout: 20_000 });
    await database.close();
  });

  it('comes back by itself after the server was away', { timeout: 60_000 }, async () => {
    const database = await connect();
    await server.end();
    await expect(count(database)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await server.start();
    await waitFor('an answer', async () => (await count(database)) === 0, { timeout: 20_000 });
    await database.close();
  });

  it('takes the name of the database from the address', async () => {
    const [named, test, unnamed] = await Promise.all(
      ['mine', 'test', ''].map((name) => {
        const { log } = recording();
        return connectMongodb({ uri: uriOf(server.uri, name), log, signal });
      }),
    );
    expect([named, test, unnamed].map((database) => database?.db.databaseName)).toEqual(['mine', 'test', 'sluice']);
    await Promise.all([named, test, unnamed].map((database) => database?.close()));
  });
});

describe('a server that is not fit', () => {
  it.each([
    ['FerretDB 1', { version: '7.0.77', ferretdb: { version: 'v1.24.2' } }, 21, /FerretDB 1\.24\.2/],
    ['FerretDB before it said so in a document', { version: '6.0.42', ferretdbVersion: 'v1.5.0' }, 21, /FerretDB 1\.5/],
    ['MongoDB 4.2', { version: '4.2.24' }, 8, /4\.4 or later/],
  ])('%s is refused with the reason', async (_, buildInfo, wireVersion, message) => {
    await using server = await startFakeMongodb({ buildInfo, wireVersion });
    const connecting = connectMongodb({ uri: server.uri, log: recording().log, signal });
    await expect(connecting).rejects.toMatchObject({
      code: 'STORE_UNSUITABLE',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['MongoDB 8', { version: '8.0.4' }],
    ['FerretDB 2', { version: '7.0.77', ferretdb: { version: 'v2.1.0' } }],
  ])('%s is not refused', async (_, buildInfo) => {
    await using server = await startFakeMongodb({ buildInfo, wireVersion: 21 });
    const database = await connectMongodb({ uri: server.uri, log: recording().log, signal });
    await database.close();
  });

  it.each(['postgres://127.0.0.1/x', 'mongodb://', 'mongodb://127.0.0.1/?nonsense=1'])(
    'no address of one: %s',
    async (uri) => {
      const connecting = connectMongodb({ uri, log: recording().log, signal });
      await expect(connecting).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    },
  );
});
