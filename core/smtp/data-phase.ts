import { SluiceError } from '../domain/errors.ts';
import { type Reply, reply } from '../domain/reply.ts';
import type { Queued } from '../pipeline/hooks.ts';
import type { RefusedBy } from '../pipeline/pipeline.ts';
import { receivedField } from '../spool/received-field.ts';
import type { DataSink } from './command-parser.ts';
import type { ClientConnection } from './connection.ts';
import { DataScanner } from './data-scanner.ts';
import { lostRight } from './permission.ts';
import { replies } from './replies.ts';
import type { TransactionState } from './session-state.ts';
import type { IncomingMessage, Intake } from './shared.ts';
import { endTransaction } from './transaction-end.ts';

type Now<T> = T | Promise<T>;

/**
 * One message, from the 354 to the reply to its final dot. Refused bytes are stored no longer, but read on to the dot
 * (or to a bound), so that the client sees the refusal and does not try for ever.
 */
export class DataPhase implements DataSink {
  readonly #connection: ClientConnection;
  readonly #transaction: TransactionState;
  readonly #scanner: DataScanner;
  #intake: Intake | null;
  #message: IncomingMessage | null = null;
  /** Why the intake cannot take the message. */
  #failure: Reply | null = null;
  /** True while the message may become durable: the outcome is the commit's then, whatever the client does. */
  committing = false;

  constructor(connection: ClientConnection, transaction: TransactionState) {
    const { config, intake } = connection.shared;
    const { limits, bare_newlines } = config.smtp;
    this.#connection = connection;
    this.#transaction = transaction;
    this.#scanner = new DataScanner(limits, bare_newlines === 'normalize');
    this.#intake = intake(transaction.id, transaction.parameters.size);
    connection.parser?.startData(this.#scanner, this, limits.size * 2);
  }

  /** True once the spool took the envelope as it was. */
  get commitBegun(): boolean {
    return this.committing && (this.#message?.commitBegun ?? true);
  }

  write(bytes: Uint8Array): void | Promise<void> {
    if (this.#intake === null) return;
    try {
      const pending = this.#intake.write(bytes);
      return pending?.catch((error) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The message is refused already: what was stored of it goes at once. */
  discard(): void {
    this.#intake?.abandon();
    this.#intake = null;
  }

  overflow(): void {
    const refusal = this.#failure ?? this.#scanner.problem ?? replies.failure.internal;
    this.#refuse({ do: 'disconnect', reply: refusal, plugin: 'core' });
  }

  /** The client is gone, or has to go, before the message was accepted. */
  abort(): void {
    if (this.committing) return;
    this.discard();
    this.#message?.abandon();
    this.#message = null;
  }

  end(): Now<void> {
    this.#connection.deadlines.wait('hook');
    return this.#connection.guarded(() => this.#finish());
  }

  #fail(error: unknown): void {
    this.#failure ??= storeRefusal(error);
    this.discard();
  }

  async #finish(): Promise<void> {
    try {
      await this.#decide();
    } catch (error) {
      this.#refuse({ do: 'defer', reply: storeRefusal(error), plugin: 'core' });
    } finally {
      // Only now may the next command come, or the session end between two transactions.
      this.#connection.dataPhase = null;
    }
  }

  async #decide(): Promise<void> {
    const early = this.#scanner.problem ?? this.#failure;
    const intake = this.#intake;
    this.#intake = null;
    if (early !== null || intake === null) {
      intake?.abandon();
      return this.#refuse({ do: 'reject', reply: early ?? replies.failure.internal, plugin: 'core' });
    }
    const transaction = this.#transaction;
    const { session, pipeline, call } = transaction;
    const finished = intake.finish();
    const message = finished instanceof Promise ? await finished : finished;
    this.#message = message;
    if (this.#connection.gone) return this.abort();
    const { hostname, clock } = this.#connection.shared;
    message.headers.prepend('Received', receivedField(session, transaction, hostname, clock.now()));

    const gate = pipeline.gate('message', { session, transaction, message }, call);
    const { refused } = gate instanceof Promise ? await gate : gate;
    if (this.#connection.gone) return this.abort();
    if (refused !== undefined) return this.#refuse(refused);
    const lost = lostRight(this.#connection);
    if (lost !== null) return this.#refuse(lost);
    await this.#queue(message);
  }

  async #queue(message: IncomingMessage): Promise<void> {
    const transaction = this.#transaction;
    const { session, pipeline, trace } = transaction;
    this.committing = true;
    // Without the session's signal: a client that leaves now does not undo what may be durable already.
    const answer = pipeline.first('queue', { session, transaction, message }, { trace });
    const decision = answer instanceof Promise ? await answer : answer;
    if (decision?.do === 'accept') return this.#accept(message, decision.value);
    const refused = decision ?? ({ do: 'defer', reply: replies.failure.notQueued, plugin: 'core' } as const);
    // Whoever was late, or failed, may have begun a commit: what is durable goes out, and a refusal would bring it twice.
    if (!(await message.giveUp())) return this.#refuse(refused);
    const { log } = this.#connection.shared;
    log.warn(
      { transaction: transaction.id, plugin: refused.plugin },
      'a message was stored, though `queue` refused it',
    );
    await this.#accept(message, { as: 'queued' });
  }

  async #accept(message: IncomingMessage, queued: Queued): Promise<void> {
    const transaction = this.#transaction;
    const { session, pipeline, trace } = transaction;
    const { spool, log } = this.#connection.shared;
    if (queued.as === 'queued') {
      // A plugin's word is not enough: 250 means that the spool has it.
      if (!message.committed && !(await message.giveUp())) {
        throw new Error('a plugin answered `queued` and had not committed the message');
      }
    } else {
      try {
        await spool.commit(session, transaction, message, queued);
      } catch (error) {
        // The next hop has it: refusing now would only make the client send it twice.
        if (queued.as !== 'relayed') throw error;
        log.error({ err: error, transaction: transaction.id }, 'a relayed message could not be recorded');
      }
    }
    this.#message = null;
    const accepted = acceptance(queued, transaction.id);
    this.#connection.forgive();
    this.#connection.reply(accepted);
    if (queued.as === 'queued' && pipeline.has('queued')) {
      pipeline.tell('queued', { session, transaction }, { trace });
    }
    endTransaction(this.#connection, 'accepted', accepted);
  }

  #refuse(refused: RefusedBy): void {
    this.committing = false;
    this.abort();
    this.#transaction.refusal = refused.reply;
    endTransaction(this.#connection, this.#connection.gone ? 'aborted' : 'refused', refused.reply);
    this.#connection.refuse(refused);
  }
}

function acceptance(queued: Queued, id: string): Reply {
  switch (queued.as) {
    case 'queued':
      return reply(250, '2.0.0', queued.text ?? `queued as ${id}`);
    case 'relayed':
      return queued.reply;
    case 'discarded':
      return queued.text === undefined ? replies.accepted.discarded : reply(250, '2.0.0', queued.text);
  }
}

/** What a client is told when the store does not take its message. */
function storeRefusal(error: unknown): Reply {
  const known = error instanceof SluiceError ? error : null;
  if (known?.code === 'RATE_LIMITED') return reply(452, '4.7.1', known.message);
  const { code, enhanced, text } = known?.code === 'STORE_FULL' ? replies.capacity.noRoom : replies.failure.internal;
  return reply(code, enhanced, text, error);
}
