import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Collection } from 'mongodb';
import type { Clock } from '../../domain/clock.ts';
import { SluiceError } from '../../domain/errors.ts';
import type { Logger } from '../../observability/log.ts';
import type { MongodbDatabase } from './client.ts';
import { type Migration, migrations, type SchemaDocument } from './migrations.ts';
import { isDuplicateKey } from './store-error.ts';

export interface MigrateOptions {
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly steps?: readonly Migration[];
  /** How long a process that is silent meanwhile keeps the others waiting. */
  readonly leaseMilliseconds?: number;
  /** How often those that wait look again. */
  readonly pollMilliseconds?: number;
}

/**
 * Brings a database to the newest version; of several processes one does it, the others wait. Rejects with
 * `STORE_NEWER` where a newer release has changed it so that this one cannot work with it.
 */
export async function migrate(database: MongodbDatabase, options: MigrateOptions): Promise<void> {
  const { log, clock, signal, steps = migrations, leaseMilliseconds = 30_000, pollMilliseconds = 250 } = options;
  const schema = database.collection('schema_version');
  const token = randomUUID();
  let told = false;
  for (;;) {
    signal.throwIfAborted();
    const found = await current(schema);
    if (found.oldest > steps.length) {
      throw new SluiceError(
        'STORE_NEWER',
        `The database has version ${found.version} and needs a Sluice that knows version ${found.oldest}; this one ` +
          `knows versions up to ${steps.length}; install the newer Sluice`,
      );
    }
    if (found.version >= steps.length) return;
    if (await take({ version: found.version })) return forward(found);
    if (!told) log.info('another process is migrating the database: waiting for it');
    told = true;
    await delay(pollMilliseconds, undefined, { signal });
  }

  /** Takes or keeps the right to migrate; from that version on where one is given. */
  async function take(from: Partial<Pick<SchemaDocument, 'version'>> = {}): Promise<boolean> {
    const now = clock.now();
    const free = { $or: [{ migrating: null }, { 'migrating.token': token }, { 'migrating.until': { $lte: now } }] };
    const { matchedCount } = await schema.updateOne(
      { _id: 'schema', ...from, ...free },
      { $set: { migrating: { token, until: now + leaseMilliseconds } } },
    );
    return matchedCount === 1;
  }

  async function forward({ version, oldest }: SchemaDocument): Promise<void> {
    const lost = new AbortController();
    const keep = setInterval(() => {
      take().then(
        (kept) => kept || lost.abort(),
        // A database that does not answer fails the step itself.
        () => undefined,
      );
    }, leaseMilliseconds / 3).unref();
    try {
      let needed = oldest;
      for (const [n, step] of steps.entries()) {
        if (n < version) continue;
        signal.throwIfAborted();
        log.info({ version: n + 1 }, 'migrating the database');
        await step.run(database.db);
        needed = step.oldest ?? needed;
        const { matchedCount } = await schema.updateOne(
          { _id: 'schema', version: n, 'migrating.token': token },
          { $set: { version: n + 1, oldest: needed } },
        );
        if (matchedCount === 0 || lost.signal.aborted) {
          throw new SluiceError('STORE_UNAVAILABLE', 'This process was too slow, another one migrates the database');
        }
      }
    } finally {
      clearInterval(keep);
      await schema.updateOne({ _id: 'schema', 'migrating.token': token }, { $set: { migrating: null } });
    }
  }
}

async function current(schema: Collection<SchemaDocument>): Promise<SchemaDocument> {
  const found = await schema.findOne({ _id: 'schema' });
  if (found !== null) return found;
  const first: SchemaDocument = { _id: 'schema', version: 0, oldest: 0, migrating: null };
  try {
    await schema.insertOne(first);
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
  return first;
}
