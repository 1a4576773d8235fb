import { SluiceError } from '../../../domain/errors.ts';
import { isFinal, type RefusalRecord } from '../../../domain/message.ts';
import type { MessageStore, NewMessage } from '../../ports/message-store.ts';
import type { WakeUp } from '../../ports/wake-ups.ts';
import { checkedId } from '../../rules/message-id.ts';
import { RefusalBudget } from '../../rules/refusal-budget.ts';
import { type Bodies, piecesOf } from './bodies.ts';
import { newToken } from './commit-token.ts';
import { messageDocument, refusalDocument } from './message-documents.ts';
import type { Moments } from './moments.ts';
import type { Records } from './records.ts';
import type { Statistics } from './statistics.ts';
import { answerBy } from './write-batches.ts';

/** Refusals that wait for the database; further ones are only counted. */
const mostRefusals = 2_000;

export interface MessageStoreParts {
  readonly bodies: Bodies;
  readonly records: Records;
  readonly statistics: Statistics;
  readonly moments: Moments;
  /** `smtp.limits.unwritten`: bytes that wait for the database, beyond which no mail is taken. */
  readonly unwritten: number;
  /** Told of what was committed and may be claimed. */
  readonly onCommitted: (wakeUps: readonly WakeUp[]) => void;
}

/** A large body on its way in. */
interface Receiving {
  readonly commit: string;
  pieces: number;
}

interface Committing {
  givenUp: boolean;
}

/** A message's body has to stay: somebody will want to read it. */
export const keepsBody = ({ recipients }: Pick<NewMessage, 'recipients'>): boolean =>
  recipients.some(({ state }) => !isFinal(state) || state === 'captured');

/** The spool as the accepting side sees it: bodies first, then the record that makes them mail. */
export class MongodbMessageStore implements MessageStore {
  readonly #parts: MessageStoreParts;
  readonly #committing = new Map<string, Committing>();
  readonly #receiving = new Map<string, Receiving>();
  /** Bodies that are being deleted: nobody reads them any more. */
  readonly #dropping = new Set<string>();
  readonly #budget = new RefusalBudget();
  #refusals = 0;

  constructor(parts: MessageStoreParts) {
    this.#parts = parts;
  }

  async beginBody(id: string): Promise<void> {
    // Nothing is written: pieces without a record are swept, whoever they belonged to.
    this.#receiving.set(checkedId(id), { commit: newToken(), pieces: 0 });
  }

  async writeChunk(id: string, n: number, bytes: Uint8Array): Promise<void> {
    const receiving = this.#receivingOf(id);
    if (n !== receiving.pieces) throw new SluiceError('CONFLICT', `piece ${n} of message ${id} came out of order`);
    await this.#parts.bodies.insertPiece(id, n, bytes, receiving.commit);
    receiving.pieces += 1;
  }

  async readChunk(id: string, n: number): Promise<Uint8Array | null> {
    return this.#dropping.has(id) ? null : this.#parts.bodies.read(id, n);
  }

  abandonBody(id: string): void {
    const receiving = this.#receiving.get(id);
    this.#receiving.delete(id);
    if (receiving !== undefined) this.#drop(id, receiving.pieces + 1);
  }

  async commit(message: NewMessage): Promise<void> {
    const id = checkedId(message.facts.id);
    const underWay: Committing = { givenUp: false };
    this.#committing.set(id, underWay);
    try {
      await this.#commit(id, message, underWay);
    } finally {
      this.#committing.delete(id);
    }
  }

  async #commit(id: string, message: NewMessage, underWay: Committing): Promise<void> {
    const { recipients, body } = message;
    const { bodies, records, moments } = this.#parts;
    const deadline = answerBy();
    let commit: string;
    if (body.kind === 'chunks') {
      const receiving = this.#receivingOf(id);
      if (receiving.pieces !== body.count) {
        throw new SluiceError('CONFLICT', `the body of message ${id} is not there whole`);
      }
      this.#receiving.delete(id);
      commit = receiving.commit;
    } else {
      commit = newToken();
      if (keepsBody(message)) await bodies.insert(id, body.bytes, commit, deadline);
    }
    if (underWay.givenUp) throw new SluiceError('STORE_UNAVAILABLE', 'The database did not write it in time');
    const record = messageDocument(message, commit, moments.current());
    await records.insert(record, { deadline });
    if (body.kind === 'chunks' && !keepsBody({ recipients })) this.#drop(id, body.count);
    if (record.due !== undefined) this.#parts.onCommitted([{ id, attempt: 0 }]);
  }

  giveUp(id: string): void {
    const underWay = this.#committing.get(id);
    if (underWay === undefined) return;
    underWay.givenUp = true;
    this.#parts.records.giveUp(id);
  }

  recordRefusal(refusal: RefusalRecord): void {
    const { statistics, records } = this.#parts;
    if (refusal.outcome === 'refused') statistics.refused(refusal.ownerId, refusal.credentialId, refusal.at);
    const { clientAddress } = refusal.source;
    if (!this.#budget.take(clientAddress, refusal.at) || this.#refusals >= mostRefusals) return;
    this.#refusals += 1;
    const settled = (): void => {
      this.#refusals -= 1;
    };
    records.insert(refusalDocument({ ...refusal, id: checkedId(refusal.id) }, newToken())).then(settled, settled);
  }

  hasRoom(): boolean {
    const { bodies, records, unwritten } = this.#parts;
    return bodies.unwritten + records.unwritten < unwritten;
  }

  #receivingOf(id: string): Receiving {
    const receiving = this.#receiving.get(checkedId(id));
    if (receiving !== undefined) return receiving;
    throw new SluiceError('CONFLICT', `the body of message ${id} was given up: it took longer than the DATA deadline`);
  }

  /** What is not deleted now the sweeper finds. */
  #drop(id: string, pieces: number): void {
    this.#dropping.add(id);
    const done = (): boolean => this.#dropping.delete(id);
    this.#parts.bodies.remove(piecesOf(id, pieces)).then(done, done);
  }
}
