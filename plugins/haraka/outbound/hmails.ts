import type { MessageRecord } from '../../../core/domain/message.ts';
import type { HarakasLog } from '../host/harakas-log.ts';
import type { Libraries } from '../libraries.ts';
import { envelopeAddress } from './envelope-address.ts';
import { type HMail, hmailOf, type OutboundRecipient } from './hmail.ts';

/** One recipient of a record, with the mail of its domain. */
export interface OutboundPlace {
  readonly hmail: HMail;
  readonly recipient: OutboundRecipient;
}

interface Known {
  readonly byDomain: Map<string, HMail>;
  readonly byIndex: Map<number, OutboundPlace>;
}

/**
 * The mails of records that are being delivered. They live as long as a worker holds the record: the next try of a
 * message begins with new ones.
 */
export class HMails {
  readonly #log: HarakasLog;
  readonly #libraries: Libraries;
  readonly #known = new WeakMap<MessageRecord, Known>();

  constructor(log: HarakasLog, libraries: Libraries) {
    this.#log = log;
    this.#libraries = libraries;
  }

  /** Finds the recipient's mail, or makes it; the recipient is in its `rcpt_to` from now on. */
  of(record: MessageRecord, index: number): OutboundPlace {
    let known = this.#known.get(record);
    if (known === undefined) {
      known = { byDomain: new Map(), byIndex: new Map() };
      this.#known.set(record, known);
    }
    const found = known.byIndex.get(index);
    if (found !== undefined) return found;
    const stored = record.recipients[index];
    if (stored === undefined) throw new RangeError(`message ${record.id} has no recipient number ${index}`);
    const recipient: OutboundRecipient = envelopeAddress(stored.address, this.#libraries);
    const domain = recipient.host ?? '';
    let hmail = known.byDomain.get(domain);
    if (hmail === undefined) {
      const number = known.byDomain.size + 1;
      hmail = hmailOf(record, { domain, number }, this.#log, this.#libraries);
      known.byDomain.set(domain, hmail);
    }
    hmail.num_failures = Math.max(hmail.num_failures, stored.attempts);
    hmail.todo.rcpt_to.push(recipient);
    const place = { hmail, recipient };
    known.byIndex.set(index, place);
    return place;
  }
}
