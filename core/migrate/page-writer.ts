import { isDeepStrictEqual } from 'node:util';
import { type Collection, type Document, MongoBulkWriteError } from 'mongodb';
import { SluiceError } from '../domain/errors.ts';
import type { MongodbDatabase } from '../storage/mongodb/client.ts';
import type { CopyPage, DocumentsOf } from './copy.ts';

const duplicateKey = 11000;

/** Inserts the documents of a page; those that are there already came with the same page, read before. */
export async function writePage(database: MongodbDatabase, { writes }: CopyPage): Promise<void> {
  for (const { collection, documents } of writes) {
    if (documents.length === 0) continue;
    const target: Collection<Document> = database.db.collection(collection);
    try {
      await target.insertMany(documents, { ordered: false });
    } catch (error) {
      if (!(error instanceof MongoBulkWriteError)) throw error;
      const refused = [error.writeErrors].flat();
      if (refused.length === 0 || refused.some(({ code }) => code !== duplicateKey)) throw error;
    }
  }
}

/** Reads the documents of a page again. Throws `STORE_CORRUPT` where one is not what it should be. */
export async function verifyPage(database: MongodbDatabase, { writes }: CopyPage): Promise<void> {
  for (const one of writes) {
    if (one.documents.length > 0) await verify(database, one);
  }
}

async function verify(database: MongodbDatabase, { collection, documents }: DocumentsOf): Promise<void> {
  const target: Collection<Document> = database.db.collection(collection);
  const ids: Document = { _id: { $in: documents.map(({ _id }) => _id) } };
  const found = new Map<string, Document>();
  for await (const document of target.find(ids)) found.set(JSON.stringify(document._id), document);
  for (const document of documents) {
    const key = JSON.stringify(document._id);
    if (isDeepStrictEqual(found.get(key), document)) continue;
    const what = found.has(key) ? 'is not what it was' : 'is missing';
    throw new SluiceError(
      'STORE_CORRUPT',
      `${collection} ${key} ${what} in MongoDB; give this migration up with \`sluice migrate --abandon\`, then begin anew`,
    );
  }
}
