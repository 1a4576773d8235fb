import type { Clock } from '../../core/domain/clock.ts';
import type { DeliveryJob, RecipientOutcome } from '../../core/domain/delivery.ts';
import { isAscii } from '../../core/domain/domain-name.ts';
import type { Attempt, MessageRecord } from '../../core/domain/message.ts';
import { type Reply, reply, replyLine } from '../../core/domain/reply.ts';
import type { Logger } from '../../core/observability/log.ts';
import type { UpstreamBoard } from '../../core/pipeline/upstream-board.ts';
import { attempt } from './attempt.ts';
import { Breaker } from './breaker.ts';
import { connectionOptions } from './connection-options.ts';
import { ConnectionPool, HeldBack, Unreachable } from './connection-pool.ts';
import { envelopeCommands } from './envelope-commands.ts';
import { HealthReport } from './health-report.ts';
import type { OutgoingMessage } from './outgoing-message.ts';
import { isOurFault, mayTryAnother, recipientOutcome } from './recipient-outcome.ts';
import type { TransactionCommands, TransactionResult, Verdict } from './transaction.ts';
import { monotonic, UpstreamConnection } from './upstream-connection.ts';
import type { SmtpSettings } from './upstream-settings.ts';

/** What one upstream did with some recipients: an outcome each, and whether the next upstream may try that one. */
export interface UpstreamResult {
  readonly outcomes: readonly RecipientOutcome[];
  readonly mayTryAnother: readonly boolean[];
  /** Null where nothing was tried. */
  readonly attempt: Attempt | null;
}

/** A kept session that ends before it answers MAIL says nothing of the message: another is tried, but not for ever. */
const mostSessions = 3;

/** For how long a server is spoken to in clear whose opportunistic TLS failed, in milliseconds. */
const clearMilliseconds = 3_600_000;

const heldBack = reply(451, '4.4.1', 'the upstream cannot be reached; mail waits until it can');
const calledOff = reply(451, '4.3.2', 'the delivery was called off');

const unsafeEnvelope = reply(451, '4.6.0', 'an address or parameter holds a line end and is not sent; held');

/** Addresses are checked when they come in; a second look costs little where a line end would be a command of its own. */
const lineEnd = /[\r\n\0]/;
const holdsLineEnd = ({ mail, rcpt }: TransactionCommands): boolean =>
  lineEnd.test(mail) || rcpt.some((line) => lineEnd.test(line));

/** What an upstream works with. */
export interface UpstreamParts {
  /** Our name in EHLO, where the settings give none. */
  readonly hostname: string;
  readonly clock: Clock;
  readonly board: UpstreamBoard;
  readonly log: Logger;
}

/** One SMTP server to relay to: its pool, its breaker, and what its answers mean. */
export class SmtpUpstream {
  readonly #settings: SmtpSettings;
  readonly #target: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #breaker: Breaker;
  readonly #pool: ConnectionPool;
  /** Opportunistic TLS failed: until then it is not tried. */
  #inClearUntil = 0;
  /** An operator was told that our settings are at fault. */
  #alarmed = false;
  readonly #health: HealthReport;
  /** Messages with 8-bit text sent to an upstream that did not say it can take them. */
  #unannounced = 0;

  constructor(settings: SmtpSettings, { hostname, clock, board, log }: UpstreamParts) {
    this.#settings = settings;
    this.#clock = clock;
    this.#log = log.child({ upstream: settings.name });
    this.#breaker = new Breaker(settings.breaker, clock);
    this.#target = settings.path === null ? `${settings.host}:${settings.port}` : `unix:${settings.path}`;
    this.#health = new HealthReport(settings.name, this.#target, {
      board,
      clock,
      log: this.#log,
    });
    const options = connectionOptions(settings, hostname);
    const inClear = { ...options, ignoreTLS: true };
    const { connect, command, data } = settings.timeouts;
    const count = () => ({ inUse: this.#pool.size - this.#pool.idle, idle: this.#pool.idle });
    this.#pool = new ConnectionPool(
      {
        connections: settings.connections,
        messagesPerConnection: settings.messagesPerConnection,
        idle: settings.idle,
        tick: Math.max(10, Math.min(1_000, Math.min(connect, command, data, settings.idle) / 4)),
      },
      this.#breaker,
      () => {
        // Told when mail flows, not at the start: an instance that is only built to see whether it can be has none.
        board.connections?.(settings.name, count);
        const how = this.#inClearUntil > clock.now() ? inClear : options;
        return new UpstreamConnection(how, settings.timeouts, settings.login, settings.path);
      },
      this.#log,
    );
  }

  /**
   * Sends the message to these recipients (indexes into the record's); `tellDot` is asked before the final dot. Never
   * rejects.
   */
  async send(
    record: MessageRecord,
    recipients: readonly number[],
    outgoing: OutgoingMessage,
    signal: AbortSignal,
    tellDot?: DeliveryJob['tellDot'],
  ): Promise<UpstreamResult> {
    const at = this.#clock.now();
    const started = monotonic();
    for (let session = 1; ; session++) {
      let connection: UpstreamConnection;
      try {
        const ready = this.#pool.acquire(signal, session > 1);
        if (this.#breaker.isProbing) this.#health.is('probing');
        connection = ready instanceof UpstreamConnection ? ready : await ready;
      } catch (error) {
        return this.#notSent(record, recipients, error, at, monotonic() - started);
      }
      const refusals = recipients.map((index) => unfitFor(connection.capabilities, record, index, outgoing));
      const able = recipients.filter((_, position) => refusals[position] === null);
      const result = await this.#transact(connection, record, able, outgoing, signal, tellDot);
      this.#pool.release(connection);
      if (result.unanswered && connection.transactions > 1 && session < mostSessions && !signal.aborted) continue;
      const verdicts = [...result.verdicts];
      const all = refusals.map((refusal): Verdict => {
        if (refusal !== null) return { kind: 'refused', reply: refusal };
        return verdicts.shift() ?? { kind: 'lost', reply: calledOff };
      });
      const passesDsnOn = connection.capabilities.has('DSN');
      const until = this.#judge(all);
      const outcomes = all.map((verdict, position) =>
        recipientOutcome(verdict, record.recipients[recipients[position] ?? -1], passesDsnOn, until),
      );
      return {
        outcomes,
        mayTryAnother: all.map(mayTryAnother),
        attempt: attempt(record, recipients, outcomes, {
          at,
          upstream: this.#settings.name,
          host: connection.peer,
          phase: result.phase,
          tls: connection.tlsName,
          milliseconds: Math.round(monotonic() - started),
        }),
      };
    }
  }

  close(): void {
    this.#pool.close();
  }

  async #transact(
    connection: UpstreamConnection,
    record: MessageRecord,
    recipients: readonly number[],
    outgoing: OutgoingMessage,
    signal: AbortSignal,
    tellDot: DeliveryJob['tellDot'],
  ): Promise<TransactionResult> {
    if (recipients.length === 0 || signal.aborted) return { verdicts: [], phase: 'mail', unanswered: false };
    if (outgoing.needs.eightBit && !connection.capabilities.has('8BITMIME')) {
      this.#unannounced += 1;
      this.#log.debug(
        { id: record.id, count: this.#unannounced },
        '8-bit mail goes unchanged to an upstream without 8BITMIME',
      );
    }
    const commands = envelopeCommands(record, recipients, outgoing.needs, connection.capabilities);
    if (holdsLineEnd(commands)) {
      return {
        verdicts: recipients.map(() => ({ kind: 'unfit', reply: unsafeEnvelope })),
        phase: 'mail',
        unanswered: false,
      };
    }
    const onAbort = () => connection.abandon('the delivery was called off');
    signal.addEventListener('abort', onAbort);
    try {
      const beforeDot =
        tellDot === undefined
          ? null
          : (positions: readonly number[]) => tellDot(positions.map((position) => recipients[position] ?? -1));
      return await connection.transact(commands, outgoing.body, beforeDot);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Tells the breaker what the session showed. Answers when mail may come again that our settings kept back. */
  #judge(verdicts: readonly Verdict[]): number {
    const fault = verdicts.find(isOurFault);
    if (fault !== undefined) {
      this.#alarm(fault.reply);
      const until = this.#breaker.failed(true);
      this.#health.is('down', replyLine(fault.reply));
      return until;
    }
    this.#breaker.succeeded();
    this.#health.is('up');
    this.#alarmed = false;
    return this.#clock.now();
  }

  #notSent(
    record: MessageRecord,
    recipients: readonly number[],
    error: unknown,
    at: number,
    milliseconds: number,
  ): UpstreamResult {
    const outcome = this.#notSentOutcome(error);
    const outcomes = recipients.map(() => outcome);
    return {
      outcomes,
      mayTryAnother: recipients.map(() => outcome.reply !== calledOff),
      attempt:
        error instanceof Unreachable
          ? attempt(record, recipients, outcomes, {
              at,
              upstream: this.#settings.name,
              host: this.#target,
              phase: error.session.phase,
              tls: null,
              milliseconds: Math.round(milliseconds),
            })
          : null,
    };
  }

  #notSentOutcome(error: unknown): RecipientOutcome {
    if (error instanceof Unreachable) {
      const { phase, ours, reply: why } = error.session;
      if (phase === 'tls' && this.#settings.tls === 'opportunistic') this.#goInClear(why);
      else if (ours) this.#alarm(why);
      this.#health.is('down', replyLine(error.session.reply));
      return { do: 'postponed', reply: error.session.reply, until: error.until };
    }
    if (error instanceof HeldBack) return { do: 'postponed', reply: heldBack, until: error.until };
    return { do: 'postponed', reply: calledOff, until: this.#clock.now() };
  }

  /** RFC 7435 §3: what cannot be had is done without. */
  #goInClear(why: Reply): void {
    this.#inClearUntil = this.#clock.now() + clearMilliseconds;
    this.#log.info(
      { reply: replyLine(why) },
      'the server offers TLS and fails at it; it is spoken to in clear for a while',
    );
  }

  /** Says once, loudly, that an operator has to change a setting. */
  #alarm(why: Reply): void {
    if (this.#alarmed) return;
    this.#alarmed = true;
    this.#log.error({ reply: replyLine(why) }, 'the upstream refuses us: check its address, TLS and login; mail waits');
  }
}

/** Why an upstream with these capabilities cannot take the message for this recipient, as the bounce will say, or null. */
function unfitFor(
  capabilities: ReadonlyMap<string, string>,
  record: MessageRecord,
  index: number,
  { needs }: OutgoingMessage,
): Reply | null {
  const limit = Number.parseInt(capabilities.get('SIZE') ?? '', 10);
  if (limit > 0 && needs.size > limit) {
    return reply(552, '5.3.4', `the message has ${needs.size} octets, the next hop takes ${limit}`);
  }
  if (capabilities.has('SMTPUTF8')) return null;
  const address = record.recipients[index]?.address ?? '';
  if (!needs.utf8Headers && isAscii(record.sender) && isAscii(address)) return null;
  return reply(550, '5.6.7', 'the message needs SMTPUTF8, which the next hop does not offer');
}
