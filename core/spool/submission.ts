import { uuidv7 } from 'uuidv7';
import type { Clock } from '../domain/clock.ts';
import { SluiceError } from '../domain/errors.ts';
import type { AddressPolicy } from '../domain/mailbox.ts';
import type { MessageFacts, RecipientRecord } from '../domain/message.ts';
import type { MessageStore } from '../storage/ports/message-store.ts';
import type { Send, Submission } from '../storage/ports/send.ts';
import { completeHeaders, kept } from './completed-headers.ts';
import { LineBreaks } from './line-breaks.ts';
import { MessageIntake } from './message-intake.ts';
import type { SpooledMessage } from './spooled-message.ts';
import { type SubmittedEnvelope, submittedEnvelope } from './submitted-envelope.ts';

export interface SendOptions {
  readonly store: MessageStore;
  readonly clock: Clock;
  /** Right-hand side of the Message-IDs it makes. */
  readonly hostname: string;
  readonly addresses: AddressPolicy;
  /** Octets of a message and of its header block, and recipients; those of a client. */
  readonly limits: { readonly size: number; readonly header_size: number; readonly recipients: number };
}

/** Takes the bytes in pieces, with CRLF for every line break, and watches their bounds. */
class SubmittedBytes {
  readonly #intake: MessageIntake;
  readonly #limits: SendOptions['limits'];
  readonly #lines = new LineBreaks();
  #inHead = true;
  #lineLength = 0;
  #headSize = 0;
  /** True once an octet beyond ASCII was seen. */
  eightBit = false;

  constructor(intake: MessageIntake, limits: SendOptions['limits']) {
    this.#intake = intake;
    this.#limits = limits;
  }

  async take(content: Submission['content']): Promise<SpooledMessage> {
    if (content instanceof Uint8Array) await this.#piece(content);
    else for await (const piece of content) await this.#piece(piece);
    await this.#write(this.#lines.end());
    return await this.#intake.finish();
  }

  async #piece(piece: Uint8Array): Promise<void> {
    if (piece.includes(0)) throw new SluiceError('MAIL_REFUSED', 'The message holds a NUL');
    const bytes = this.#lines.convert(piece);
    if (this.#inHead) this.#watchHead(bytes);
    this.eightBit ||= bytes.some((octet) => octet > 0x7f);
    await this.#write(bytes);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { size } = this.#limits;
    if (this.#intake.size + bytes.length > size) {
      throw new SluiceError('REQUEST_TOO_LARGE', `The message is larger than ${size} octets`);
    }
    await this.#intake.write(bytes);
  }

  /** The header block is kept in memory: it has to end somewhere. */
  #watchHead(bytes: Uint8Array): void {
    for (const octet of bytes) {
      this.#headSize += 1;
      if (octet === 0x0d) continue;
      if (octet !== 0x0a) this.#lineLength += 1;
      else if (this.#lineLength === 0) {
        this.#inHead = false;
        return;
      } else this.#lineLength = 0;
    }
    const { header_size: most } = this.#limits;
    if (this.#headSize > most) {
      throw new SluiceError('MAIL_REFUSED', `The message has no empty line behind a header of at most ${most} octets`);
    }
  }
}

class Submissions implements Send {
  readonly #options: SendOptions;

  constructor(options: SendOptions) {
    this.#options = options;
  }

  async send(submission: Submission): Promise<{ readonly id: string }> {
    const { store, addresses, limits } = this.#options;
    const envelope = submittedEnvelope(submission, { addresses, mostRecipients: limits.recipients });
    if (!store.hasRoom()) throw new SluiceError('STORE_FULL', 'There is no room for another message; try again later');
    const id = uuidv7();
    const intake = new MessageIntake(store, id);
    const bytes = new SubmittedBytes(intake, limits);
    try {
      const message = await bytes.take(submission.content);
      await message.commit(() => this.#store(submission, envelope, message, bytes.eightBit));
      return { id };
    } catch (error) {
      intake.abandon();
      throw error;
    }
  }

  async #store(
    { identity, notes }: Submission,
    { sender, recipients, parameters }: SubmittedEnvelope,
    message: SpooledMessage,
    eightBit: boolean,
  ): Promise<void> {
    const { store, clock, hostname } = this.#options;
    const now = clock.now();
    const { id, headers, received } = message;
    completeHeaders(headers, id, hostname, now);
    const facts: MessageFacts = {
      id,
      origin: 'submitted',
      ownerId: identity.ownerId,
      credentialId: identity.credentialId,
      acceptedAt: now,
      source: null,
      sender,
      parameters: { ...(eightBit ? { body: '8BITMIME' } : {}), ...parameters },
      size: received.size,
      sha256: received.sha256,
      messageId: kept(headers.get('message-id')),
      subject: kept(headers.get('subject')),
      headerEdits: headers.edits,
      // What is no JSON must not reach one worker and be missing at the next.
      notes: JSON.parse(JSON.stringify(notes ?? {})),
      trace: [],
      pipelineVersion: 0,
    };
    await store.commit({
      facts,
      recipients: recipients.map(
        ({ address, parameters: own }): RecipientRecord => ({
          address: address.text,
          domain: address.domain,
          state: 'queued',
          attempts: 0,
          nextAt: now,
          upstream: null,
          lastReply: null,
          finalAt: null,
          parameters: own,
        }),
      ),
      body: received.body,
    });
  }
}

/** Core's way for messages that plugins send on their own account. */
export const createSend = (options: SendOptions): Send => new Submissions(options);
