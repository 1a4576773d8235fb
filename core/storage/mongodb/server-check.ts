import type { Db, Document } from 'mongodb';
import { SluiceError } from '../../domain/errors.ts';

/** What a server says of itself. */
export interface ServerFacts {
  readonly version: string;
  /** Version of FerretDB, where it is one. */
  readonly ferretdb: string | null;
}

/** Reads the answer to `buildInfo`; FerretDB has told its version under two names. */
export function serverFacts(buildInfo: Document): ServerFacts {
  const ferretdb: unknown = buildInfo.ferretdb?.version ?? buildInfo.ferretdbVersion;
  return {
    version: String(buildInfo.version),
    ferretdb: ferretdb === undefined ? null : String(ferretdb).replace(/^v/, ''),
  };
}

/** Throws `STORE_UNSUITABLE` for a server on which claims and counters would not be exact. */
export function checkFacts({ ferretdb }: ServerFacts): void {
  if (ferretdb === null || !/^[01]\./.test(ferretdb)) return;
  throw new SluiceError(
    'STORE_UNSUITABLE',
    `FerretDB ${ferretdb} changes a record by reading and then writing it: two workers would send the same mail, and ` +
      'updates get lost. Use MongoDB 4.4 or later, or FerretDB 2',
  );
}

/** Asks a server what it is, and refuses the unsuitable. */
export async function checkServer(database: Db): Promise<ServerFacts> {
  const facts = serverFacts(await database.admin().command({ buildInfo: 1 }));
  checkFacts(facts);
  return facts;
}
