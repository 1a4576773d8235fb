import type { MessageFacts, MessageRecord } from '../../../domain/message.ts';
import type { Claim, Lease } from '../../ports/delivery-store.ts';
import { earliest } from '../../rules/due-time.ts';
import type { MessageDocument } from './message-documents.ts';

/** The record as the domain knows it. */
export function recordOf({ facts, recipients, requested }: MessageDocument): MessageRecord {
  const kept: MessageFacts = JSON.parse(facts);
  const list = recipients.map((recipient) => ({ ...recipient }));
  return Object.assign(kept, { recipients: list, nextAt: earliest(list), requested: requested?.at(-1) ?? null });
}

interface Held {
  document: MessageDocument;
  /** By the monotonic clock of this process. */
  until: number;
}

/**
 * What this process holds leases of, as it stands in the database: a settlement needs no look at the record, since
 * nobody else changes what is leased but for orders, which its condition notices.
 */
export class HeldMessages {
  readonly #held = new Map<string, Held>();

  /** Takes a claimed record in; what its holder never settled is forgotten with its lease. */
  add(document: MessageDocument, body: Uint8Array | null, milliseconds: number): Claim {
    const token = document.lease?.token ?? '';
    const now = performance.now();
    for (const [old, { until }] of this.#held) {
      if (until > now) break;
      this.#held.delete(old);
    }
    this.#held.set(token, { document, until: now + milliseconds });
    const lease: Lease = { messageId: document._id, token, until: Date.now() + milliseconds };
    return { record: recordOf(document), lease, body };
  }

  get(token: string): MessageDocument | undefined {
    return this.#held.get(token)?.document;
  }

  set(token: string, document: MessageDocument): void {
    const held = this.#held.get(token);
    if (held !== undefined) held.document = document;
  }

  /** The lease goes on; the longest held comes last, so that those that ran out are found first. */
  prolong(token: string, milliseconds: number): void {
    const held = this.#held.get(token);
    if (held === undefined) return;
    this.#held.delete(token);
    held.until = performance.now() + milliseconds;
    this.#held.set(token, held);
  }

  /** From now on it has to be read from the database. */
  forget(token: string): void {
    this.#held.delete(token);
  }
}
