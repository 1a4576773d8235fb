import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../domain/clock.ts';
import { SluiceError } from '../domain/errors.ts';
import type { Logger } from '../observability/log.ts';
import { connectMongodb, type MongodbDatabase } from '../storage/mongodb/client.ts';
import { ConservationSum } from '../storage/mongodb/mail/conservation.ts';
import { migrate } from '../storage/mongodb/migrate.ts';
import type { MigrationDocument } from '../storage/mongodb/migration-target.ts';
import type { Conservation } from '../storage/ports/mail-log.ts';
import { readMigrationMark, removeMigrationMark, writeMigrationMark } from '../storage/sqlite/migration-mark.ts';
import type { Copy } from './copy.ts';
import { EmbeddedSource } from './embedded-source.ts';
import { eventCopy } from './event-copy.ts';
import { mailCopy } from './mail-copy.ts';
import { verifyPage, writePage } from './page-writer.ts';
import { tableCopies } from './table-copies.ts';

export interface MigrationStep {
  readonly step: 'copying' | 'verifying';
  readonly name: string;
  /** Documents so far, and rows in the source. */
  readonly done: number;
  readonly total: number;
}

export interface MigrateOptions {
  /** The data folder; its database is that of this release, and no lease is open in it (`openSqliteStore`, then close). */
  readonly folder: string;
  readonly uri: string;
  /** How long bodies of captured mail are kept, in milliseconds. */
  readonly captured: number;
  readonly log: Logger;
  readonly clock: Clock;
  /** Ends it after the page under way; it goes on there the next time. */
  readonly signal: AbortSignal;
  readonly progress: (step: MigrationStep) => void;
}

/** What was brought over, by name, and the sum of decisions.md, which is the same on both sides. */
export interface Migrated {
  readonly documents: Readonly<Record<string, number>>;
  readonly conservation: Conservation;
}

/** A cluster's processes tell of themselves every 2 s; one that did so within this time, in milliseconds, runs. */
const beatWithin = 60_000;

/** Where an address leads, without login and options. */
const targetName = (database: MongodbDatabase): string =>
  `${database.db.client.options.srvHost ?? database.db.client.options.hosts.join(',')}/${database.db.databaseName}`;

/**
 * Brings everything from a data folder into an empty MongoDB. From its beginning on nobody else can use the folder, and
 * before its end no cluster the database: no mail is relayed by both. Interrupted anywhere, it goes on when called
 * again. Rejects with `CONFLICT` where the database holds something else, or processes use it.
 */
export async function migrateToMongodb(options: MigrateOptions): Promise<Migrated> {
  const { folder, uri, log, clock, signal } = options;
  const source = new EmbeddedSource(folder);
  try {
    const database = await connectMongodb({ uri, log, signal });
    try {
      await migrate(database, { log, clock, signal });
      const begun = await begin(database, source, options);
      const mark = { to: targetName(database), startedAt: begun.startedAt };
      const copies = [...tableCopies(source), mailCopy(source, begun), eventCopy(source, begun)];
      if (begun.state === 'done') {
        // It was killed after its last word to the database.
        writeMigrationMark(folder, { ...mark, state: 'done' });
        const counts = copies.map(({ name }, place) => [name, begun.verified[String(place)]?.documents ?? 0] as const);
        return { documents: Object.fromEntries(counts), conservation: source.conservation() };
      }
      writeMigrationMark(folder, { ...mark, state: 'copying' });
      const migrated = await bringOver(database, source, begun, copies, options);
      await database.collection('migration').updateOne({ _id: 'embedded' }, { $set: { state: 'done' } });
      writeMigrationMark(folder, { ...mark, state: 'done' });
      return migrated;
    } finally {
      await database.close();
    }
  } finally {
    source.close();
  }
}

/** Gives a migration that is not done up: the folder can be used again, the database is deleted. */
export async function abandonMigration(
  options: Pick<MigrateOptions, 'folder' | 'uri' | 'log' | 'signal'>,
): Promise<void> {
  const { folder, uri, log, signal } = options;
  if (readMigrationMark(folder)?.state !== 'copying') {
    throw new SluiceError('CONFLICT', `no migration of the data folder ${folder} is under way`);
  }
  const source = new EmbeddedSource(folder);
  try {
    const database = await connectMongodb({ uri, log, signal });
    try {
      const found = await database.collection('migration').findOne({ _id: 'embedded' });
      if (found !== null && (found.source !== source.id || found.state === 'done')) {
        throw new SluiceError('CONFLICT', `${targetName(database)} is not where this data folder was being brought to`);
      }
      await database.db.dropDatabase();
      removeMigrationMark(folder);
    } finally {
      await database.close();
    }
  } finally {
    source.close();
  }
}

async function begin(
  database: MongodbDatabase,
  source: EmbeddedSource,
  { captured, clock }: MigrateOptions,
): Promise<MigrationDocument> {
  const migrations = database.collection('migration');
  const found = await migrations.findOne({ _id: 'embedded' });
  if (found !== null) {
    if (found.source === source.id) return found;
    throw new SluiceError('CONFLICT', `${targetName(database)} holds what came from another data folder`);
  }
  const running = await database.collection('processes').findOne({ at: { $gt: clock.now() - beatWithin } });
  if (running !== null) {
    throw new SluiceError('CONFLICT', `process ${running.pid} on ${running.host} uses the database; stop the cluster`);
  }
  for (const name of ['users', 'messages', 'settings'] as const) {
    if ((await database.collection(name).countDocuments({}, { limit: 1 })) === 0) continue;
    throw new SluiceError('CONFLICT', `${targetName(database)} is not empty (${name}); name another database`);
  }
  const first: MigrationDocument = {
    _id: 'embedded',
    source: source.id,
    state: 'copying',
    startedAt: clock.now(),
    captured,
    copied: {},
    verified: {},
  };
  await migrations.insertOne(first);
  return first;
}

async function bringOver(
  database: MongodbDatabase,
  source: EmbeddedSource,
  begun: MigrationDocument,
  copies: readonly Copy[],
  options: MigrateOptions,
): Promise<Migrated> {
  for (const [place, copy] of copies.entries()) await go('copied', place, copy, (page) => writePage(database, page));
  const documents: Record<string, number> = {};
  for (const [place, copy] of copies.entries()) {
    documents[copy.name] = await go('verified', place, copy, (page) => verifyPage(database, page));
    const stored = await database.collection(copy.collection).countDocuments();
    if (stored !== documents[copy.name]) {
      throw new SluiceError('STORE_CORRUPT', `${copy.name}: ${stored} in MongoDB instead of ${documents[copy.name]}`);
    }
  }
  const conservation = await new ConservationSum(database).sum();
  if (!isDeepStrictEqual(conservation, source.conservation())) {
    throw new SluiceError('STORE_CORRUPT', 'recipients in MongoDB do not add up to those of the data folder');
  }
  return { documents, conservation };

  /** Goes over the pages that are left; answers how many documents there were in all. */
  async function go(
    step: 'copied' | 'verified',
    place: number,
    copy: Copy,
    each: (page: ReturnType<Copy['page']>) => Promise<void>,
  ): Promise<number> {
    let { next, documents: done } = begun[step][String(place)] ?? { next: 0, documents: 0 };
    const total = copy.total();
    while (next !== null) {
      options.signal.throwIfAborted();
      const page = copy.page(next);
      await each(page);
      for (const { collection, documents: some } of page.writes)
        if (collection === copy.collection) done += some.length;
      next = page.next;
      await database
        .collection('migration')
        .updateOne({ _id: 'embedded' }, { $set: { [`${step}.${place}`]: { next, documents: done } } });
      options.progress({ step: step === 'copied' ? 'copying' : 'verifying', name: copy.name, done, total });
    }
    return done;
  }
}
