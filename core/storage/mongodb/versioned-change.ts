import type { Collection, Document, UpdateFilter } from 'mongodb';
import { SluiceError } from '../../domain/errors.ts';
import type { ChangeOptions } from '../ports/accounts.ts';
import { type AuditedCollection, type AuditOutbox, auditDocument } from './audit-outbox.ts';
import type { MongodbDatabase } from './client.ts';

/** A document that carries its version in `updatedAt`. */
interface Versioned {
  readonly _id: string;
  readonly updatedAt: number;
  readonly outbox?: readonly Document[];
}

/**
 * Sets fields of a document in one write that is conditional on its version, so that `updatedAt` always grows where it
 * is among them. False where there is no such document, or where it does not match `only`. Throws
 * `PRECONDITION_FAILED`, and `CONFLICT` for a name that is taken.
 */
export async function changeVersioned(
  database: MongodbDatabase,
  outbox: AuditOutbox,
  name: AuditedCollection,
  id: string,
  { updatedAt, ...fields }: Readonly<Record<string, unknown>> & { readonly updatedAt?: number },
  { ifUpdatedAt, audit, only = {} }: ChangeOptions & { readonly only?: Document } = {},
): Promise<boolean> {
  const collection: Collection<Versioned> = database.db.collection(name);
  const push = audit === undefined ? {} : { $push: { outbox: auditDocument(audit) } };
  const write = async (condition: Document, update: UpdateFilter<Versioned>): Promise<boolean> => {
    const { matchedCount } = await database.ask(() => collection.updateOne({ ...only, ...condition, _id: id }, update));
    if (matchedCount === 0) return false;
    await outbox.publish(name, id, audit);
    return true;
  };

  if (ifUpdatedAt !== undefined) {
    const later = updatedAt === undefined ? {} : { updatedAt: Math.max(updatedAt, ifUpdatedAt + 1) };
    if (await write({ updatedAt: ifUpdatedAt }, { $set: { ...fields, ...later }, ...push })) return true;
    if ((await database.ask(() => collection.countDocuments({ ...only, _id: id }, { limit: 1 }))) === 0) return false;
    throw new SluiceError('PRECONDITION_FAILED', 'somebody changed it meanwhile; read it again, then decide anew');
  }
  if (updatedAt === undefined) return write({}, { $set: fields, ...push });
  return (
    (await write({ updatedAt: { $lt: updatedAt } }, { $set: { ...fields, updatedAt }, ...push })) ||
    // The clock of another process is ahead of ours.
    (await write({ updatedAt: { $gte: updatedAt } }, { $set: fields, $inc: { updatedAt: 1 }, ...push }))
  );
}
