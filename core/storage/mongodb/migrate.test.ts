import { Long } from 'mongodb';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeWith } from '../../../tests/support/describe-with.ts';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import { type TestDatabase, testDatabase } from '../../../tests/support/mongodb-database.ts';
import { startMongodbProxy } from '../../../tests/support/mongodb-proxy.ts';
import { waitFor } from '../../../tests/support/wait-for.ts';
import { connectMongodb, type MongodbDatabase } from './client.ts';
import { migrate } from './migrate.ts';
import { type Migration, migrations } from './migrations.ts';

const log = pino({ level: 'silent' });
const { signal } = new AbortController();

describeWith(['mongodb'], 'migrating a MongoDB', () => {
  let test: TestDatabase;
  let processes: MongodbDatabase[];
  beforeEach(async () => {
    test = await testDatabase();
    processes = await Promise.all([1, 2, 3].map(() => connectMongodb({ uri: test.uri, log, signal })));
  });
  afterEach(async () => {
    for (const database of processes) await database.close();
    await test.drop();
  });

  const first = (): MongodbDatabase => {
    const [database] = processes;
    if (database === undefined) throw new Error('three are connected');
    return database;
  };
  const schema = () => first().collection('schema_version').findOne({ _id: 'schema' });
  const run = (database: MongodbDatabase, steps: readonly Migration[], clock = new ManualClock(1_000)) =>
    migrate(database, { log, clock, signal, steps, pollMilliseconds: 5 });
  const nothing: Migration = { run: async () => {} };

  it('is done by one of several processes, each step once and in order, while the others wait', async () => {
    const done: number[] = [];
    const entered = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const steps: Migration[] = [
      {
        run: async () => {
          done.push(1);
          entered.resolve();
          await goOn.promise;
        },
      },
      { run: async () => void done.push(2) },
    ];
    const running = processes.map((database) => run(database, steps));
    let ended = 0;
    for (const one of running) void one.then(() => (ended += 1));
    await entered.promise;
    expect(ended).toBe(0);
    goOn.resolve();
    await Promise.all(running);
    expect(done).toEqual([1, 2]);
    expect(await schema()).toEqual({ _id: 'schema', version: 2, oldest: 0, migrating: null });
  });

  it('is not begun again by a process that looked just before another one ended', async () => {
    let runs = 0;
    const count = async (): Promise<void> => {
      runs += 1;
    };
    const steps: Migration[] = [{ run: count }];
    await run(first(), steps);
    const address = new URL(test.uri);
    await using proxy = await startMongodbProxy({ host: address.hostname, port: Number(address.port) });
    address.port = String(proxy.port);
    const late = await connectMongodb({ uri: `${address}`, log, signal });
    let looks = 0;
    proxy.meddle(({ name, collection }) => {
      if (name !== 'find' || collection !== 'schema_version') return undefined;
      looks += 1;
      // What it was before the other one began.
      const before = { _id: 'schema', version: 0, oldest: 0, migrating: null };
      const cursor = { id: Long.ZERO, ns: `${late.db.databaseName}.schema_version`, firstBatch: [before] };
      return looks > 1 ? undefined : { answer: { ok: 1, cursor } };
    });
    await run(late, steps);
    expect({ runs, looks }).toEqual({ runs: 1, looks: 2 });
    await late.close();
  });

  it('goes on where a process that vanished stopped, once its time is over', async () => {
    const stuck = new AbortController();
    const clock = new ManualClock(1_000);
    const never: Migration = { run: () => new Promise(() => {}) };
    // It never ends, and its lease is not renewed since nothing tells the time to it.
    const vanished = migrate(first(), {
      log,
      clock,
      signal: stuck.signal,
      steps: [nothing, never],
      leaseMilliseconds: 600_000,
    });
    vanished.catch(() => undefined);
    await waitFor('the first step', async () => (await schema())?.version === 1);
    const [, second] = processes;
    if (second === undefined) throw new Error('three are connected');
    const waiting = run(second, [nothing, nothing], clock);
    clock.advance(600_001);
    await waiting;
    expect(await schema()).toMatchObject({ version: 2 });
  });

  it('leaves a step that failed undone, and lets the next process try', async () => {
    const broken: Migration = { run: () => Promise.reject(new Error('no')) };
    await expect(run(first(), [nothing, broken])).rejects.toThrow('no');
    expect(await schema()).toMatchObject({ version: 1, migrating: null });
    await run(first(), [nothing, nothing]);
    expect(await schema()).toMatchObject({ version: 2 });
  });

  it('lets the release before go on beside the new one, until a step says that it cannot', async () => {
    await run(first(), [nothing, nothing]);
    await run(first(), [nothing]);
    await run(first(), [nothing, nothing, { ...nothing, oldest: 2 }]);
    await run(first(), [nothing, nothing]);
    await expect(run(first(), [nothing])).rejects.toMatchObject({
      code: 'STORE_NEWER',
      message: expect.stringContaining('version 3'),
    });
    expect(await schema()).toEqual({ _id: 'schema', version: 3, oldest: 2, migrating: null });
  });

  it('makes every index that the rooms name', async () => {
    await run(first(), migrations);
    const users = await first().db.collection('users').indexes();
    expect(users).toContainEqual(expect.objectContaining({ key: { emailKey: 1 }, unique: true }));
    const webhooks = await first().db.collection('webhooks').indexes();
    expect(webhooks).toContainEqual(expect.objectContaining({ key: { 'outbox.at': 1 }, sparse: true }));
    // Again, as after a crash in the middle.
    for (const step of migrations) await step.run(first().db);
  });
});
