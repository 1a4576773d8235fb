import type { Collection, Document } from 'mongodb';
import type { Page } from '../ports/accounts.ts';
import type { MongodbDatabase } from './client.ts';

export interface ListQuestion {
  readonly filter: Document;
  /** What it is sorted by, then by id; `_id` alone is by age. */
  readonly key: string;
  readonly descending: boolean;
  /** Id of the last document of the page before; it is still there where `key` is another than `_id`. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** A page of a collection. */
export async function listPage<D extends { readonly _id: string }, T>(
  database: MongodbDatabase,
  collection: Collection<D>,
  { filter, key, descending, after, limit }: ListQuestion,
  itemOf: (document: D) => T,
): Promise<Page<T>> {
  const documents: Collection<Document> = database.db.collection(collection.collectionName);
  const beyond = descending ? '$lt' : '$gt';
  const conditions = [filter];
  if (after !== undefined) {
    if (key === '_id') conditions.push({ _id: { [beyond]: after } });
    else {
      const id: Document = { _id: after };
      const last = await database.ask(() => documents.findOne(id, { projection: { [key]: 1 } }));
      if (last === null) return { items: [], next: null };
      const { [key]: value } = last;
      conditions.push({ $or: [{ [key]: { [beyond]: value } }, { [key]: value, _id: { [beyond]: after } }] });
    }
  }
  const direction = descending ? -1 : 1;
  const sort: Record<string, 1 | -1> = { [key]: direction, _id: direction };
  const found = await database.ask(() => documents.find<D>({ $and: conditions }, { sort, limit: limit + 1 }).toArray());
  const page = found.slice(0, limit);
  return { items: page.map(itemOf), next: found.length > limit ? (page.at(-1)?._id ?? null) : null };
}

/** Documents one of whose fields, in lower case, contains a text. */
export const containing = (fields: readonly string[], part: string): Document => {
  const pattern = part.toLowerCase().replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return { $or: fields.map((field) => ({ [field]: { $regex: pattern } })) };
};
