import { SluiceError } from '../../domain/errors.ts';
import type { MongodbDatabase } from './client.ts';

/** How far a step over one kind of thing has come. */
export interface MigrationProgress {
  /** Where it goes on; null once it is done. */
  readonly next: number | null;
  /** Documents of its collection so far. */
  readonly documents: number;
}

/** The only document of `migration`: mail that comes from a data folder (`sluice migrate`). */
export interface MigrationDocument {
  readonly _id: 'embedded';
  /** Id of the database of the data folder. */
  readonly source: string;
  readonly state: 'copying' | 'done';
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** How long bodies of captured mail are kept, as it was when this began. */
  readonly captured: number;
  readonly copied: Readonly<Record<string, MigrationProgress>>;
  readonly verified: Readonly<Record<string, MigrationProgress>>;
}

/** Throws `CONFLICT` while only a part of what is to come is there: mail that is worked on here is still there, too. */
export async function refuseHalfMigrated(database: MongodbDatabase): Promise<void> {
  const found = await database.ask(() => database.collection('migration').findOne({ state: 'copying' }));
  if (found === null) return;
  throw new SluiceError(
    'CONFLICT',
    `the database ${database.db.databaseName} holds a part of a data folder: run \`sluice migrate\` again to finish it, ` +
      'or `sluice migrate --abandon` to give it up',
  );
}
