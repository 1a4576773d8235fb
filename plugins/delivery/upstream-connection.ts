import { connect } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { SMTPConnectionOptions } from 'nodemailer/lib/smtp-connection';
import type { Phase } from '../../core/domain/message.ts';
import { type Reply, reply } from '../../core/domain/reply.ts';
import { ReplyReader } from './reply-reader.ts';
import { type SessionError, sessionError } from './session-error.ts';
import { SmtpClient } from './smtp-client-internals.ts';
import type { BeforeDot, TransactionCommands, TransactionResult, WireBody } from './transaction.ts';
import { connectionLost, TransactionDialogue, type TransactionWire } from './transaction-dialogue.ts';
import { upstreamReply } from './upstream-reply.ts';
import type { Login } from './upstream-settings.ts';

export interface ConnectionTimeouts {
  readonly connect: number;
  readonly command: number;
  readonly data: number;
}

/** The clock of all deadlines: monotonic milliseconds. */
export const monotonic = (): number => performance.now();

/**
 * One connection to an upstream. nodemailer's does TCP, TLS, EHLO and login; replies are read and transactions
 * done here, in one write for the envelope where PIPELINING is offered and one for a small body with its dot.
 * Every wait has an absolute end, `deadline`, which the pool looks at: a timer a message would cost more than the message.
 */
export class UpstreamConnection extends SmtpClient implements TransactionWire {
  /** How far the session has come, and afterwards its last transaction. */
  phase: Phase = 'connect';
  /** When the current wait is too long, by `monotonic`. */
  deadline = Number.POSITIVE_INFINITY;
  /** Since when nothing happens here, by `monotonic`. */
  idleSince = 0;
  /** Transactions begun. */
  transactions = 0;
  /** Keywords of the last EHLO with their parameters (RFC 5321 §4.1.1.1), upper case. */
  readonly capabilities = new Map<string, string>();
  /** `192.0.2.1:25`, once connected. */
  peer: string | null = null;
  /** `TLSv1.3 TLS_AES_256_GCM_SHA384`, or null in clear. */
  tlsName: string | null = null;
  /** Told once, when the connection has ended, for whatever reason. */
  onGone: () => void = () => {};

  readonly #timeouts: ConnectionTimeouts;
  readonly #login: Login | null;
  readonly #path: string | null;
  readonly #reader = new ReplyReader();
  #opening: { resolve: () => void; reject: (error: SessionError) => void } | null = null;
  #transaction: TransactionDialogue | null = null;
  #lastReply: string | null = null;
  #needsReset = false;

  constructor(
    options: SMTPConnectionOptions,
    timeouts: ConnectionTimeouts,
    login: Login | null,
    path: string | null = null,
  ) {
    super(options);
    this.#timeouts = timeouts;
    this.#login = login;
    this.#path = path;
    this.on('error', (error: Error & { response?: string }) => this.#ended(error));
    this.on('end', () => {
      this.#ended(null);
      this.onGone();
    });
  }

  /** False once the session has ended. */
  get usable(): boolean {
    return !this._destroyed && this._socket !== false && this._socket.writable;
  }

  /** Connects, secures and logs in. Rejects with a `SessionError`. */
  open(): Promise<void> {
    this.deadline = monotonic() + this.#timeouts.connect;
    return new Promise((resolve, reject) => {
      this.#opening = { resolve, reject };
      if (this.#path === null) this.#begin();
      else this.#connectSocket(this.#path);
    });
  }

  #begin(): void {
    this.connect((error) => {
      if (error) this.#ended(error);
      else this.#hello();
    });
  }

  /** nodemailer knows no Unix sockets, but takes a connection that is made already. */
  #connectSocket(path: string): void {
    const socket = connect(path);
    const failed = (error: Error) => this.#ended(error);
    socket.once('error', failed);
    socket.once('connect', () => {
      if (this.#opening === null) {
        socket.destroy();
        return;
      }
      this.options.connection = socket;
      this.#begin();
      socket.off('error', failed);
    });
  }

  #hello(): void {
    const lines: readonly string[] = this._ehloLines ?? [];
    this.capabilities.clear();
    for (const line of lines) {
      const space = line.indexOf(' ');
      const keyword = space === -1 ? line : line.slice(0, space);
      this.capabilities.set(keyword.toUpperCase(), space === -1 ? '' : line.slice(space + 1));
    }
    const socket = this._socket;
    if (socket instanceof TLSSocket) this.tlsName = `${socket.getProtocol()} ${socket.getCipher().standardName}`;
    const login = this.#login;
    if (login === null) {
      this.#ready();
      return;
    }
    this.phase = 'auth';
    // A configured login is never skipped: without it the upstream would judge the mail by other rules.
    if (!this.capabilities.has('AUTH')) {
      this.#ended(new Error('the upstream offers no AUTH, though a login is configured'), true);
      this.close();
      return;
    }
    const { username: user, password: pass, method } = login;
    this.login({ user, pass, ...(method === undefined ? {} : { method }) }, (error) => {
      if (error === null) this.#ready();
      else {
        this.#ended(error);
        this.close();
      }
    });
  }

  #ready(): void {
    const opening = this.#opening;
    this.#opening = null;
    this.phase = 'done';
    this.deadline = Number.POSITIVE_INFINITY;
    this.idleSince = monotonic();
    opening?.resolve();
  }

  /**
   * Sends one message; `beforeDot` is asked whether it may be ended. Never rejects: whatever happens becomes a verdict
   * for each recipient.
   */
  transact(
    commands: TransactionCommands,
    body: WireBody,
    beforeDot: BeforeDot | null = null,
  ): Promise<TransactionResult> {
    return new Promise((resolve) => {
      const reset = this.#needsReset;
      this.#needsReset = true;
      this.#lastReply = null;
      this.transactions += 1;
      this.deadline = monotonic() + this.#timeouts.command;
      this.#transaction = new TransactionDialogue(this, { commands, body, beforeDot }, (result) => {
        this.phase = result.phase;
        this.#transaction = null;
        this.#needsReset = result.phase !== 'done';
        this.deadline = Number.POSITIVE_INFINITY;
        this.idleSince = monotonic();
        resolve(result);
      });
      this.#transaction.begin(reset);
    });
  }

  /** Ends the session now; what is under way is lost, or unknown once the dot was sent. */
  abandon(reason: string): void {
    this._onError(new Error(reason), 'ETIMEDOUT', false, 'CONN');
  }

  /** QUIT, and the end of it within a second whatever the upstream does: nothing depends on its answer. */
  leave(): void {
    if (!this.usable) {
      this.close();
      return;
    }
    this.quit();
    setTimeout(() => this.close(), 1_000).unref();
  }

  /** True where every recipient is answered for behind the final dot (RFC 2033). */
  get lmtp(): boolean {
    return this.options.lmtp === true;
  }

  get pipelining(): boolean {
    return this.capabilities.has('PIPELINING');
  }

  expect(onReply: (line: string) => void): void {
    this._responseActions.push(onReply);
  }

  write(lines: string): void {
    if (this._socket !== false && !this._socket.destroyed) this._socket.write(lines, 'utf8');
  }

  writeLast(octets: Uint8Array): void {
    this.deadline = monotonic() + this.#timeouts.data;
    if (this._socket !== false) this._socket.write(octets);
  }

  async writePiece(octets: Uint8Array): Promise<void> {
    this.deadline = monotonic() + this.#timeouts.data;
    const socket = this._socket;
    if (socket === false || socket.destroyed || socket.write(octets)) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        socket.off('drain', done);
        socket.off('close', done);
        resolve();
      };
      socket.once('drain', done);
      socket.once('close', done);
    });
  }

  breach(what: string): void {
    this._onError(new Error(what), 'EPROTOCOL', false, 'CONN');
  }

  /** The connection is gone, or going. `error` is null where it ended without one. */
  #ended(error: (Error & { response?: string | false }) | null, ours = false): void {
    this.#reader.clear();
    const said = (error === null ? undefined : error.response) || this.#farewell();
    const opening = this.#opening;
    if (opening !== null) {
      this.#opening = null;
      opening.reject(sessionError(this.phase, error, said, ours));
    }
    const transaction = this.#transaction;
    if (transaction?.phase === 'dot-sent') transaction.conclude('unknown', outcomeUnknown(error));
    else transaction?.conclude('lost', said === undefined ? lostBy(error) : upstreamReply(said));
  }

  /** The 421 that the upstream went away with, if it said one. */
  #farewell(): string | undefined {
    return this.#lastReply?.startsWith('421') ? this.#lastReply : undefined;
  }

  override _setupConnectionHandlers(): void {
    super._setupConnectionHandlers();
    // With TLS from the first octet `_onConnect` comes after the handshake.
    if (this.secureConnection && this._socket !== false) {
      this._socket.once('connect', () => {
        this.phase = 'tls';
      });
    }
  }

  override _onConnect(): void {
    this.phase = 'greeting';
    const socket = this._socket;
    if (this.#path !== null) this.peer = `unix:${this.#path}`;
    else if (socket !== false) this.peer = `${socket.remoteAddress}:${socket.remotePort}`;
    super._onConnect();
  }

  override _sendCommand(line: string, logged?: string): void {
    if (/^(?:EHLO|HELO|LHLO) /.test(line)) this.phase = 'hello';
    else if (line === 'STARTTLS') this.phase = 'tls';
    super._sendCommand(line, logged);
  }

  override _upgradeConnection(callback: (error?: Error | null, secured?: boolean) => void): void {
    this.#reader.clear();
    super._upgradeConnection(callback);
  }

  override _onData(chunk: Buffer): void {
    if (this._destroyed) return;
    const wrong = this.#reader.read(chunk, (line) => this.#answer(line));
    if (wrong !== null) this.breach(`the upstream speaks no SMTP: ${wrong}`);
  }

  #answer(line: string): void {
    const closing = line.startsWith('421');
    const transaction = this.#transaction;
    if (closing && transaction !== null && transaction.phase !== 'dot-sent') {
      // RFC 5321 §3.8: whatever it answers, the upstream goes away; what follows will not be answered.
      this.#lastReply = line;
      this._onServerClosing(line);
      return;
    }
    const action = this._responseActions.shift();
    this.#lastReply = line;
    this.lastServerResponse = line;
    if (action === undefined) {
      // A server may say 421 at any time; an idle session simply ends.
      if (closing) this.close();
      else this._onError(new Error('a reply that nothing asked for'), 'EPROTOCOL', line, 'CONN');
      return;
    }
    if (transaction !== null) this.deadline = monotonic() + this.#timeouts.command;
    action.call(this, line);
    if (closing) this._onServerClosing(line);
  }
}

const lostBy = (error: Error | null): Reply =>
  error === null
    ? connectionLost
    : { ...connectionLost, text: `${connectionLost.text}: ${error.message}`, cause: error };

const outcomeUnknown = (error: Error | null): Reply =>
  reply(
    451,
    '4.4.2',
    'the connection was lost after the final dot: whether the upstream took the message is unknown (ambiguous)',
    error ?? undefined,
  );
