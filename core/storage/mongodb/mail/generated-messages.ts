import type { Collection } from 'mongodb';
import { SluiceError } from '../../../domain/errors.ts';
import type { NewMessage } from '../../ports/message-store.ts';
import type { WakeUp } from '../../ports/wake-ups.ts';
import { checkedId } from '../../rules/message-id.ts';
import type { Bodies } from './bodies.ts';
import { type MessageDocument, messageDocument, type OutgoingMessage } from './message-documents.ts';
import type { Moments } from './moments.ts';
import type { Records } from './records.ts';
import { placeOf } from './slot.ts';

/**
 * Reports that a settlement brings forth. Their bodies are stored first, their records ride in the update of the
 * settlement, and are inserted from there: under their own ids and with its token, so that doing it twice is doing it
 * once. Whatever a process leaves behind that ends in between, the sweeper of any other goes on with.
 */
export class GeneratedMessages {
  readonly #messages: Collection<MessageDocument>;
  readonly #parts: {
    readonly bodies: Bodies;
    readonly records: Records;
    readonly moments: Moments;
    readonly onCommitted: (wakeUps: readonly WakeUp[]) => void;
  };

  constructor(
    messages: Collection<MessageDocument>,
    parts: { bodies: Bodies; records: Records; moments: Moments; onCommitted: (wakeUps: readonly WakeUp[]) => void },
  ) {
    this.#messages = messages;
    this.#parts = parts;
  }

  /** Stores the bodies, and answers what has to ride in the settlement. */
  async prepare(generated: readonly NewMessage[], commit: string): Promise<readonly OutgoingMessage[]> {
    const { bodies, moments } = this.#parts;
    const moment = moments.current();
    return Promise.all(
      generated.map(async (message): Promise<OutgoingMessage> => {
        const id = checkedId(message.facts.id);
        if (message.body.kind !== 'inline') {
          throw new SluiceError('INTERNAL', 'a report comes with its body, not in pieces');
        }
        await bodies.insert(id, message.body.bytes, commit);
        return { id, record: messageDocument(message, commit, moment) };
      }),
    );
  }

  /** Inserts the records that ride in those of their messages, then takes them off there. */
  async publish(outgoing: ReadonlyMap<string, readonly OutgoingMessage[]>): Promise<void> {
    const { records, onCommitted } = this.#parts;
    await Promise.all(
      [...outgoing].map(async ([message, reports]) => {
        await Promise.all(reports.map(({ record }) => records.insert(record, { withdraw: false })));
        onCommitted(reports.map(({ id }) => ({ id, attempt: 0 })));
        const ids = reports.map(({ id }) => id);
        await this.#messages.updateOne(placeOf(message), { $pull: { generated: { id: { $in: ids } } } });
      }),
    );
  }

  /** Publishes up to `limit` records' reports that were left behind; answers how many records had such. */
  async sweep(limit: number): Promise<number> {
    const found = await this.#messages
      .find({ 'generated.id': { $gte: '' } })
      .project<Pick<MessageDocument, '_id' | 'generated'>>({ generated: 1 })
      .limit(limit)
      .toArray();
    await this.publish(new Map(found.map(({ _id, generated }) => [_id, generated ?? []])));
    return found.length;
  }
}
