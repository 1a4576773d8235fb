import { setTimeout as pause } from 'node:timers/promises';
import {
  type AnyBulkWriteOperation,
  BSON,
  type Collection,
  MongoBulkWriteError,
  MongoInvalidArgumentError,
} from 'mongodb';
import { SluiceError } from '../../../domain/errors.ts';
import { within } from '../deadline.ts';
import { storeError } from '../store-error.ts';

/** A document that tells by whom it was stored. */
export interface Insertable {
  readonly _id: unknown;
  readonly commit: string;
}

/** `conflict`: there is another one of this id; `refused`: it cannot be stored; `unknown`: it may be there or not. */
export type InsertOutcome = 'stored' | 'conflict' | 'refused' | 'unknown';

export interface InsertAnswer {
  readonly outcome: InsertOutcome;
  /** Why it is not known, or not possible. */
  readonly error?: SluiceError;
}

/** How long to wait before a write that failed is tried again, in milliseconds. */
const pauses = { first: 50, most: 500 };

const duplicateKey = 11000;
const outOfDiskSpace = 14031;

/** Write errors that speak of the server's state, not of the document: an election, a shutdown, an interruption. */
const serverCodes: ReadonlySet<number> = new Set([
  6,
  7,
  89,
  91,
  189,
  262,
  9001,
  10058,
  10107,
  11600,
  11602,
  13435,
  13436,
  64,
  50,
  outOfDiskSpace,
]);

interface Attempted<D> {
  /** Which of the documents tried are durable, by their place. */
  readonly stored: boolean[];
  /** Those of which it has to be found out. */
  readonly doubtful: readonly D[];
  readonly refused: ReadonlyMap<D, SluiceError>;
  readonly error: SluiceError | null;
}

/**
 * Inserts documents so that it is known of each whether it is durable. What failed is inserted again with the same
 * `_id` until the deadline; a duplicate is then our own if it carries our commit token, as a majority of the servers
 * has it. Never rejects.
 */
export async function insertDurably<D extends Insertable & { _id: string | object }>(
  collection: Collection<D>,
  documents: readonly D[],
  query: (documents: readonly D[]) => object,
  deadline: number,
): Promise<InsertAnswer[]> {
  const answers = new Map<D, InsertAnswer>();
  let left = documents;
  let error: SluiceError | null = null;
  for (let wait = pauses.first; left.length > 0; wait = Math.min(wait * 2, pauses.most)) {
    const tried = await insertOnce(collection, left, deadline);
    left.forEach((document, index) => {
      const refusal = tried.refused.get(document);
      if (tried.stored[index] === true) answers.set(document, { outcome: 'stored' });
      else if (refusal !== undefined) answers.set(document, { outcome: 'refused', error: refusal });
    });
    error = tried.error ?? error;
    left = tried.doubtful;
    if (left.length > 0) {
      const found = await lookUp(collection, left, query, deadline);
      error = found.error ?? error;
      for (const document of left) {
        const commit = found.commits.get(keyOf(document._id));
        if (commit === document.commit) answers.set(document, { outcome: 'stored' });
        else if (commit !== undefined) answers.set(document, { outcome: 'conflict' });
      }
      left = left.filter((document) => !answers.has(document));
      if (left.length === 0 || performance.now() + wait >= deadline) break;
      await pause(wait);
    }
  }
  return documents.map(
    (document) => answers.get(document) ?? { outcome: 'unknown', ...(error === null ? {} : { error }) },
  );
}

const keyOf = (id: unknown): string => (typeof id === 'string' ? id : JSON.stringify(id));

async function insertOnce<D extends Insertable & { _id: string | object }>(
  collection: Collection<D>,
  documents: readonly D[],
  deadline: number,
): Promise<Attempted<D>> {
  const stored = documents.map(() => true);
  const nothing = { stored: documents.map(() => false), doubtful: documents, refused: new Map() };
  const left = deadline - performance.now();
  if (left <= 0) return { ...nothing, error: null };
  const alone = async (document: D): Promise<Attempted<D>> => insertOnce(collection, [document], deadline);
  const operations = documents.map((document) => ({
    insertOne: { document },
  })) as unknown as AnyBulkWriteOperation<D>[];
  try {
    await within(left, collection.bulkWrite(operations, { ordered: false }));
    return { stored, doubtful: [], refused: new Map(), error: null };
  } catch (error) {
    if (isUnwritable(error)) {
      const [only, ...more] = documents;
      if (only === undefined || more.length > 0) return joined(await Promise.all(documents.map(alone)));
      const refusal = new SluiceError('INTERNAL', 'a document cannot be stored', { cause: error });
      return { stored: [false], doubtful: [], refused: new Map([[only, refusal]]), error: null };
    }
    if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError() !== undefined) {
      return { ...nothing, error: storeError(error) };
    }
    const errors = error.result.getWriteErrors();
    if (errors.length === 0) return { ...nothing, error: storeError(error) };
    const doubtful: D[] = [];
    const refused = new Map<D, SluiceError>();
    let full = false;
    for (const { index, code, errmsg } of errors) {
      const document = documents[index];
      if (document === undefined) continue;
      stored[index] = false;
      full ||= code === outOfDiskSpace;
      if (code === duplicateKey || serverCodes.has(code)) doubtful.push(document);
      else refused.set(document, new SluiceError('INTERNAL', `MongoDB refused a document: ${errmsg ?? code}`));
    }
    return { stored, doubtful, refused, error: full ? storeError(error) : null };
  }
}

/** True where a document cannot even be encoded: those that came with it shall not suffer from that. */
export const isUnwritable = (error: unknown): boolean =>
  error instanceof BSON.BSONError || error instanceof MongoInvalidArgumentError || error instanceof RangeError;

const joined = <D>(attempts: readonly Attempted<D>[]): Attempted<D> => ({
  stored: attempts.flatMap(({ stored }) => stored),
  doubtful: attempts.flatMap(({ doubtful }) => doubtful),
  refused: new Map(attempts.flatMap(({ refused }) => [...refused])),
  error: attempts.find(({ error }) => error !== null)?.error ?? null,
});

/** Whose documents a majority of the servers has under these ids. */
async function lookUp<D extends Insertable & { _id: string | object }>(
  collection: Collection<D>,
  documents: readonly D[],
  query: (documents: readonly D[]) => object,
  deadline: number,
): Promise<{ commits: Map<string, string>; error: SluiceError | null }> {
  const commits = new Map<string, string>();
  const left = deadline - performance.now();
  if (left <= 0) return { commits, error: null };
  try {
    const rows = await within(
      left,
      collection
        .find(query(documents), { readConcern: 'majority' })
        .project<{ _id: unknown; commit?: string }>({ _id: 1, commit: 1 })
        .toArray(),
    );
    // A tombstone carries no token: it is somebody else's.
    for (const { _id, commit } of rows) commits.set(keyOf(_id), commit ?? '');
    return { commits, error: null };
  } catch (error) {
    return { commits, error: storeError(error) };
  }
}
