import type { Socket } from 'node:net';
import { TLSSocket, type TLSSocketOptions } from 'node:tls';
import type { SMTPServer } from 'smtp-server/lib/smtp-server.js';
import { type Reply, reply } from '../domain/reply.ts';
import type { Call, Pipeline, RefusedBy } from '../pipeline/pipeline.ts';
import { createTrace } from '../pipeline/trace.ts';
import { admit } from './admission.ts';
import { CommandParser, type ParserHost } from './command-parser.ts';
import { ConnectionControl } from './connection-control.ts';
import type { DataPhase } from './data-phase.ts';
import { Deadlines, type Expired } from './deadlines.ts';
import { dispatch } from './dispatch.ts';
import { trustedNetworkOf } from './permission.ts';
import { replies } from './replies.ts';
import { formatReply } from './reply-format.ts';
import { SessionState, type TransactionState } from './session-state.ts';
import type { ListenerPolicy, Shared } from './shared.ts';
import { endTransaction } from './transaction-end.ts';
import { UpgradableConnection } from './upgradable-connection.ts';

type Now<T> = T | Promise<T>;
type Endpoint = { readonly address: string; readonly port: number };

/** Where the client and we are, the PROXY header applied. Addresses are canonical. */
export interface ConnectionFacts {
  readonly id: string;
  readonly remote: Endpoint;
  readonly local: Endpoint;
  /** Address of the proxy whose PROXY header told these; null for a client of its own. */
  readonly proxy: string | null;
}

/** Whose words a reply is. */
type Teller = 'core' | 'plugin';
const teller = ({ plugin }: RefusedBy): Teller => (plugin === 'core' ? 'core' : 'plugin');

/** Made once: an error of its own at the end of each connection would cost more than the reply to MAIL. */
const clientGone = new Error('the client is gone');

/**
 * One client. From smtp-server comes the life of the socket: half-close with a deadline, the STARTTLS upgrade that
 * retires the parser, the guard against late errors. The dialogue is ours: `dispatch` and the command modules.
 * The file is long because what overrides one class, and the order in which a session ends, belong together.
 */
export class ClientConnection extends UpgradableConnection implements ParserHost {
  readonly shared: Shared;
  readonly policy: ListenerPolicy;
  readonly state: SessionState;
  readonly deadlines: Deadlines;
  transaction: TransactionState | null = null;
  /** From the 354 to the reply to the final dot. */
  dataPhase: DataPhase | null = null;
  /** Version of the pipeline whose connect and helo hooks this session passed. */
  pipelineVersion = 0;
  authFailures = 0;
  greeted = false;
  readonly proxy: string | null;
  /** The command under way, as received. */
  line = '';
  /** The client sent something before it was greeted (RFC 5321 §4.3.1). */
  earlyTalker = false;
  /** A plugin stopped the reading. */
  paused = false;
  /** What the `connect` gates refused with: the answer to all but QUIT. */
  turnedAway: RefusedBy | null = null;
  readonly #leave: () => void;
  readonly #gone = new AbortController();
  readonly #call: Call;
  #continuation: ((line: string) => Now<void>) | null = null;
  #control: ConnectionControl | null = null;
  /** What waits for the end of the greeting pause. */
  #greeting: Reply | null = null;
  #outgoing = '';
  #errors = 0;
  #busy = false;
  #finished = false;

  constructor(
    server: SMTPServer,
    socket: Socket,
    shared: Shared,
    policy: ListenerPolicy,
    facts: ConnectionFacts,
    leave: () => void,
  ) {
    super(server, socket, { id: facts.id, remoteAddress: facts.remote.address, remotePort: facts.remote.port });
    this.shared = shared;
    this.policy = policy;
    this.#leave = leave;
    const { address } = facts.remote;
    this.proxy = facts.proxy;
    this.state = new SessionState({
      ...facts,
      listener: policy.config.name,
      startedAt: shared.clock.now(),
      trustedNetwork: trustedNetworkOf(policy, address),
    });
    this.#call = { trace: createTrace(), signal: this.#gone.signal };
    this.deadlines = new Deadlines(shared.config.smtp.limits, (expired) => this.#expired(expired));
    shared.sessionControls.enter(this);
  }

  get longestCommand(): number {
    return this.shared.config.smtp.limits.command_length;
  }

  get bareNewlines(): boolean {
    return this.shared.config.smtp.bare_newlines === 'normalize';
  }

  /** True once nothing can be said to the client any more. */
  get gone(): boolean {
    return this.#finished;
  }

  /** The connection in the hands of plugins. */
  get control(): ConnectionControl {
    this.#control ??= new ConnectionControl(this);
    return this.#control;
  }

  get parser(): CommandParser | null {
    return this._parser instanceof CommandParser ? this._parser : null;
  }

  /** Aborts when the client is gone. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** The pipeline of the open transaction, or the one in force. */
  pipeline(): Pipeline {
    return this.transaction?.pipeline ?? this.shared.pipelines.current(this.policy.config.name);
  }

  /** How hooks are called: with the transaction's trace, or the session's. */
  call(): Call {
    return this.transaction?.call ?? this.#call;
  }

  override init(): void {
    this._setListeners(() => this.#guard(() => this.#connect()));
  }

  #connect(): Now<void> {
    if (this._socket instanceof TLSSocket) this.#rememberTls(this._socket);
    return admit(this, (greeting) => {
      this.#greeting = greeting;
      const pause = this.policy.config.greeting_pause;
      if (pause === 0) this.connectionReady();
      else setTimeout(() => this.connectionReady(), pause).unref();
    });
  }

  /** Greets at once: no PTR look-up stands in the way (the base class has one, and a fixed 100 ms). */
  override connectionReady(): void {
    if (this.#greeting !== null) this.#begin(this.#greeting, 'core');
  }

  /** The first words to the client: now it is to speak. */
  #begin(words: Reply, by: Teller): void {
    if (this.gone) return;
    this.greeted = true;
    this.reply(words, by);
    this.deadlines.wait('command');
    this.idle(() => this.parser?.start());
  }

  /** The `connect` gates refused: whatever the client says hears it, until QUIT (RFC 5321 §3.1) or a limit ends it. */
  turnAway(refused: RefusedBy): void {
    this.turnedAway = refused;
    if (this.greeted) this.refuse(refused);
    else this.#begin(refused.reply, teller(refused));
  }

  early(): void {
    this.earlyTalker = true;
    if (this.policy.config.greeting_pause > 0) this.reply(replies.closing.earlyTalker);
  }

  command(line: string): Now<void> {
    const continuation = this.#continuation;
    this.#continuation = null;
    this.line = line;
    return this.#guard(() => (continuation === null ? dispatch(this, line) : continuation(line)));
  }

  /** The next line goes to `continuation`: it is no command, but the answer to a challenge. */
  continueWith(continuation: (line: string) => Now<void>): void {
    this.#continuation = continuation;
  }

  refuseLine(refusal: Reply): void {
    this.#continuation = null;
    this.reply(refusal);
    this.#settled();
  }

  /** Runs what answers the client, whatever it does: an exception is 451, and nothing escapes into the socket. */
  #guard(run: () => Now<void>): Now<void> {
    let pending: Now<void>;
    try {
      pending = run();
    } catch (error) {
      this.#crashed(error);
      return this.#settled();
    }
    if (!(pending instanceof Promise)) return this.#settled();
    this.#busy = true;
    if (this.dataPhase === null) this.deadlines.wait('hook');
    return pending
      .catch((error) => this.#crashed(error))
      .then(() => {
        this.#busy = false;
        this.#settled();
      });
  }

  /** Also for what runs behind the final dot. */
  guarded(run: () => Now<void>): Now<void> {
    return this.#guard(run);
  }

  #crashed(error: unknown): void {
    this.shared.log.error({ err: error, session: this.id }, 'a command could not be processed');
    this.reply(replies.failure.internal);
  }

  #settled(): void {
    if (this.gone || this.dataPhase !== null) return;
    if (this.greeted) this.deadlines.wait('command');
    if (this.shared.closing) this.shutdown();
    else if (this.transaction === null && this.deadlines.aged) this.farewell(replies.closing.age);
  }

  /** Puts a reply behind those that wait to be sent. Refusals of plugins are counted where their hooks are. */
  reply(answer: Reply, by: Teller = 'core'): void {
    if (this.gone || this._upgrading) return;
    this.#outgoing += formatReply(answer);
    if (answer.code < 400) return;
    if (by === 'core') this.shared.refusals.observe(answer);
    this.#refused(answer);
    if (answer.code === 421 && answer !== this.turnedAway?.reply) this.close();
    else if (++this.#errors >= this.shared.config.smtp.limits.errors) this.farewell(replies.closing.errors);
  }

  #refused(answer: Reply): void {
    // "No recipient was accepted" and other words about the order of commands explain less than what came before them.
    if (this.transaction !== null && !(answer.enhanced?.startsWith('5.5.') && this.transaction.refusal !== null)) {
      this.transaction.refusal = answer;
    }
    const { log } = this.shared;
    const facts = { session: this.id, remote: this.state.remote.address, reply: formatReply(answer).trimEnd() };
    if (answer.cause === undefined) log.debug(facts, 'refused');
    else log.warn({ ...facts, err: answer.cause }, 'refused');
  }

  /** Sends what a plugin refused with, and closes where it wants so. */
  refuse(refused: RefusedBy): void {
    if (refused.do === 'disconnect') this.farewell(refused.reply, teller(refused));
    else this.reply(refused.reply, teller(refused));
  }

  /** A last reply; the connection closes behind it. */
  farewell(answer: Reply, by: Teller = 'core'): void {
    this.reply(answer, by);
    this.close();
  }

  /** A message was accepted: what went wrong before is forgiven. */
  forgive(): void {
    this.#errors = 0;
  }

  idle(next: () => void): void {
    this.flush();
    this._whenWritable(next);
  }

  flush(): void {
    if (this.#outgoing === '' || this._upgrading) return;
    const text = this.#outgoing;
    this.#outgoing = '';
    if (!this._socket.destroyed && this._socket.writable) this._socket.write(text);
  }

  /** The base class's own replies: what little of it still speaks. */
  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    const enhanced = this._getEnhancedStatusCode(code, context);
    this.reply(reply(code, enhanced === '' ? null : enhanced, data ?? ''));
    this.flush();
  }

  /** Takes the server down for this client: at once, or when its message and pending hooks are done. */
  shutdown(): void {
    if (this.gone || this.#busy || this.dataPhase !== null) return;
    this.farewell(replies.closing.shutdown);
  }

  override close(): void {
    this.flush();
    super.close();
    if (this._upgrading) this.destroyFromAbove();
    this.#finish();
  }

  /** The end, whatever brought it. A commit under way is not stopped: it ends its transaction itself. */
  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.deadlines.stop();
    this.handshakeFailed(clientGone);
    this.#gone.abort(clientGone);
    this.dataPhase?.abort();
    if (this.dataPhase?.committing !== true) endTransaction(this, 'aborted');
    this.#leave();
    const pipeline = this.shared.pipelines.current(this.policy.config.name);
    if (pipeline.has('disconnect')) {
      pipeline.tell('disconnect', { session: this.state }, { trace: this.#call.trace });
    }
    this.shared.sessionControls.leave(this);
  }

  #expired(expired: Expired): void {
    if (this._upgrading) this.destroyFromAbove();
    else if (expired === 'command') this.farewell(replies.closing.idle);
    else if (expired === 'data') this.farewell(replies.closing.data);
    else if (expired === 'hook') this.farewell(replies.closing.stuck);
    else if (expired === 'end') this.farewell(replies.closing.age);
    else if (this.greeted && this.transaction === null && !this.#busy) this.farewell(replies.closing.age);
  }

  /** STARTTLS was answered. */
  startTls(): void {
    this.flush();
    this.beginHandshake();
  }

  /** As `startTls`, for a plugin that answered STARTTLS, with its certificate and demands. */
  startTlsWith(options: TLSSocketOptions): Promise<TLSSocket> {
    if (this.gone) return Promise.reject(clientGone);
    if (this.secure || this._upgrading) return Promise.reject(new Error('TLS is on already'));
    if (this.dataPhase !== null) return Promise.reject(new Error('A message is being received'));
    endTransaction(this, 'reset');
    this.flush();
    return this.beginHandshakeWith(options);
  }

  /** The session begins anew (RFC 3207 §4.2). */
  protected override secured(socket: TLSSocket): void {
    this.state.hello = null;
    this.state.identity = null;
    this.deadlines.wait('command');
    this.#rememberTls(socket);
  }

  #rememberTls(socket: TLSSocket): void {
    this.state.tls = { protocol: socket.getProtocol() ?? 'unknown', cipher: socket.getCipher().name };
  }

  override _createParser(): CommandParser {
    return new CommandParser(this);
  }

  /** The base class resets its own session object here; ours is reset where the protocol says so. */
  override _resetSession(): void {}

  override _onError(error: Error): void {
    this.shared.log.debug({ err: error, session: this.id, remote: this.state.remote.address }, 'connection failed');
    this.handshakeFailed(error);
    this.close();
  }

  override _onClose(): void {
    super._onClose();
    this.#finish();
    this.emit('closed');
  }
}
