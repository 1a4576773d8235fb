import type { Collection, Filter } from 'mongodb';
import type { DispatchStore, WakeUp } from '../../ports/wake-ups.ts';
import type { MongodbDatabase } from '../client.ts';
import { newToken } from './commit-token.ts';
import type { MessageDocument } from './message-documents.ts';
import { placeOf, placesOf } from './slot.ts';

type Candidate = Pick<MessageDocument, '_id' | 'due'>;

/** The database's side of the dispatcher: a claim takes the stamp away, so it is always that of the try that is due. */
export function mongodbDispatch(database: MongodbDatabase): DispatchStore {
  const messages: Collection<MessageDocument> = database.collection('messages');

  const find = (which: Filter<MessageDocument>, now: number, limit: number): Promise<Candidate[]> =>
    messages
      .find({ ...which, due: { $lte: now } })
      .sort({ due: 1 })
      .limit(limit)
      .project<Candidate>({ due: 1 })
      .toArray();

  return {
    dispatchable: ({ limit, sentBefore }) =>
      database.ask(async (): Promise<readonly WakeUp[]> => {
        const now = Date.now();
        const [never, before] = await Promise.all([
          find({ dispatchedAt: { $exists: false } }, now, limit),
          find({ dispatchedAt: { $lte: sentBefore } }, now, limit),
        ]);
        const chosen = [...never, ...before].sort((a, b) => (a.due ?? 0) - (b.due ?? 0)).slice(0, limit);
        if (chosen.length === 0) return [];
        const token = newToken();
        await messages.bulkWrite(
          chosen.map(({ _id }) => ({
            updateOne: {
              filter: {
                ...placeOf(_id),
                due: { $lte: now },
                $or: [{ dispatchedAt: { $exists: false } }, { dispatchedAt: { $lte: sentBefore } }],
              },
              update: { $set: { dispatchedAt: now, dispatchedBy: token } },
            },
          })),
          { ordered: false },
        );
        const stamped = await messages
          .find({ ...placesOf(chosen.map(({ _id }) => _id)), dispatchedBy: token })
          .project<Pick<MessageDocument, '_id' | 'claims'>>({ claims: 1 })
          .toArray();
        return stamped.map(({ _id, claims }) => ({ id: _id, attempt: claims }));
      }),
  };
}
