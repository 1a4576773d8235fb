import type { RefusalRecord } from '../../domain/message.ts';
import type { MessageStore, NewMessage } from '../ports/message-store.ts';
import { checkedId } from '../rules/message-id.ts';
import { RefusalBudget } from '../rules/refusal-budget.ts';
import { encodeMessage, encodeRefusal, nowhere } from './encode-message.ts';
import type { GroupCommit } from './group-commit.ts';

/** The spool as the accepting side sees it; every write rides in the group commit of its thread. */
export class MessageStoreClient implements MessageStore {
  readonly #commits: GroupCommit;
  readonly #read: MessageStore['readChunk'];
  readonly #room: () => boolean;
  readonly #refusals = new RefusalBudget();

  constructor(commits: GroupCommit, read: MessageStore['readChunk'], room: () => boolean) {
    this.#commits = commits;
    this.#read = read;
    this.#room = room;
  }

  async beginBody(id: string): Promise<void> {
    await this.#commits.add({ kind: 'begin-body', id: checkedId(id) });
  }

  async writeChunk(id: string, n: number, bytes: Uint8Array): Promise<void> {
    const target = { kind: 'chunk', id: checkedId(id), n, body: nowhere } as const;
    await this.#commits.add(target, [{ target, bytes }]);
  }

  readChunk(id: string, n: number): Promise<Uint8Array | null> {
    return this.#read(id, n);
  }

  abandonBody(id: string): void {
    this.#commits.tell({ kind: 'abandon-body', id });
  }

  commit(message: NewMessage): Promise<void> {
    const target = encodeMessage(message);
    const { body } = message;
    return this.#commits.add(target, body.kind === 'inline' ? [{ target, bytes: body.bytes }] : []) as Promise<void>;
  }

  giveUp(id: string): void {
    this.#commits.withdraw((item) => item.kind === 'message' && item.id === id);
  }

  recordRefusal(refusal: RefusalRecord): void {
    const keep = this.#refusals.take(refusal.source.clientAddress, refusal.at);
    this.#commits.tell(encodeRefusal(refusal, keep));
  }

  hasRoom(): boolean {
    return this.#room();
  }
}
