import type { Collection } from 'mongodb';
import type { Attempt } from '../../../domain/message.ts';
import { isDuplicateKey } from '../store-error.ts';
import type { MessageDocument } from './message-documents.ts';

/** An attempt that had to leave its message's record. */
export interface AttemptDocument {
  /** `n`: which attempt of this message, from 0. */
  readonly _id: { readonly message: string; readonly n: number };
  readonly attempt: Attempt;
}

/** Latest attempts that stay in the record: most mail never has more. */
export const mostRecent = 5;

/** How many of a record's attempts have to leave it to make room for new ones, which always stay. */
const leaving = ({ recent }: MessageDocument, added: number): number =>
  Math.min(recent.length, Math.max(0, recent.length + added - mostRecent));

/** The attempts that stay in a record together with new ones: these are written with their outcome. */
export const recentAfter = (before: MessageDocument, added: readonly Attempt[]): readonly Attempt[] => [
  ...before.recent.slice(leaving(before, added.length)),
  ...added,
];

/** Named one by one, so that each goes to the shard that has it. */
const these = (message: string, count: number): { _id: { $in: AttemptDocument['_id'][] } } => ({
  _id: { $in: Array.from({ length: count }, (_, n) => ({ message, n })) },
});

/** Every attempt of a message: the latest in its record, older ones in a collection. */
export class Attempts {
  readonly #attempts: Collection<AttemptDocument>;

  constructor(attempts: Collection<AttemptDocument>) {
    this.#attempts = attempts;
  }

  /**
   * Keeps what will leave a record, before it does: whatever happens in between, it is in one of both places, and its
   * number tells that it is the same.
   */
  async keep(changes: readonly { readonly before: MessageDocument; readonly added: number }[]): Promise<void> {
    const documents = changes.flatMap(({ before, added }): AttemptDocument[] =>
      before.recent.slice(0, leaving(before, added)).map((attempt, place) => {
        const n = before.attempts - before.recent.length + place;
        return { _id: { message: before._id, n }, attempt };
      }),
    );
    if (documents.length === 0) return;
    await this.#attempts.insertMany(documents, { ordered: false }).catch((error: unknown) => {
      if (!isDuplicateKey(error)) throw error;
    });
  }

  async of({ _id, recent, attempts }: MessageDocument): Promise<readonly Attempt[]> {
    const first = attempts - recent.length;
    if (first === 0) return recent;
    const older = await this.#attempts.find(these(_id, first)).sort({ _id: 1 }).toArray();
    return [...older.map(({ attempt }) => attempt), ...recent];
  }

  /** Those of messages that go. */
  async remove(messages: readonly Pick<MessageDocument, '_id' | 'attempts'>[]): Promise<void> {
    for (const { _id, attempts } of messages) {
      // One may have been kept for a change that then was not made.
      if (attempts >= mostRecent) await this.#attempts.deleteMany(these(_id, attempts));
    }
  }
}
