import { TLSSocket } from 'node:tls';
import type { SMTPConnectionOptions } from 'nodemailer/lib/smtp-connection';
import type { Phase } from '../../core/domain/message.ts';
import { type Reply, reply } from '../../core/domain/reply.ts';
import { ReplyReader } from './reply-reader.ts';
import { SmtpClient } from './smtp-client-internals.ts';
import type { TransactionCommands, TransactionResult, Verdict, WireBody } from './transaction.ts';
import { upstreamReply } from './upstream-reply.ts';
import { type Flaw, WireEncoder } from './wire-encoder.ts';

export interface ConnectionTimeouts {
  readonly connect: number;
  readonly command: number;
  readonly data: number;
}

/** Why no session could be had. `reply` is the upstream's own, or a 4yz of ours; `ours`: our settings are at fault. */
export class SessionError extends Error {
  override readonly name = 'SessionError';
  readonly phase: Phase;
  readonly reply: Reply;
  readonly ours: boolean;

  constructor(phase: Phase, given: Reply, ours: boolean, cause: unknown) {
    super(typeof given.text === 'string' ? given.text : given.text.join(' '), { cause });
    this.phase = phase;
    this.reply = given;
    this.ours = ours;
  }
}

/** The clock of all deadlines: monotonic milliseconds. */
export const monotonic = (): number => performance.now();

interface Transaction {
  readonly commands: TransactionCommands;
  readonly body: WireBody;
  readonly finish: (result: TransactionResult) => void;
  /** Replies to RCPT, undefined while not answered. */
  readonly rcpt: (string | undefined)[];
  mail: string | undefined;
  accepted: number;
}

const isPositive = (line: string): boolean => line.charCodeAt(0) === 0x32;
const isRefusal = (line: string | undefined): line is string => line !== undefined && line.charCodeAt(0) > 0x33;

/**
 * One connection to an upstream. nodemailer's does TCP, TLS, EHLO and login; replies are read and transactions
 * done here, in one write for the envelope where PIPELINING is offered and one for a small body with its dot.
 * Every wait has an absolute end, `deadline`, which the pool looks at: a timer a message would cost more than the message.
 */
export class UpstreamConnection extends SmtpClient {
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
  readonly #login: { readonly username: string; readonly password: string } | null;
  readonly #reader = new ReplyReader();
  #opening: { resolve: () => void; reject: (error: SessionError) => void } | null = null;
  #transaction: Transaction | null = null;
  #lastReply: string | null = null;
  #needsReset = false;

  constructor(
    options: SMTPConnectionOptions,
    timeouts: ConnectionTimeouts,
    login: { readonly username: string; readonly password: string } | null,
  ) {
    super(options);
    this.#timeouts = timeouts;
    this.#login = login;
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
      this.connect((error) => {
        if (error) this.#ended(error);
        else this.#hello();
      });
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
    this.login({ user: login.username, pass: login.password }, (error) => {
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

  /** Sends one message. Never rejects: whatever happens becomes a verdict for each recipient. */
  transact(commands: TransactionCommands, body: WireBody): Promise<TransactionResult> {
    return new Promise((finish) => {
      this.transactions += 1;
      this.#lastReply = null;
      this.phase = 'mail';
      const transaction: Transaction = { commands, body, finish, rcpt: [], mail: undefined, accepted: 0 };
      this.#transaction = transaction;
      if (!this.usable) {
        this.#conclude('lost', connectionLost);
        return;
      }
      this.deadline = monotonic() + this.#timeouts.command;
      let lines = '';
      if (this.#needsReset) {
        this.#needsReset = false;
        this._responseActions.push(() => {});
        lines = 'RSET\r\n';
      }
      this._responseActions.push((line) => this.#onMail(transaction, line));
      lines += `${commands.mail}\r\n`;
      if (this.capabilities.has('PIPELINING')) {
        for (const [index, rcpt] of commands.rcpt.entries()) {
          this._responseActions.push((line) => this.#onRcpt(transaction, index, line));
          lines += `${rcpt}\r\n`;
        }
        this._responseActions.push((line) => this.#onData(transaction, line));
        lines += 'DATA\r\n';
      }
      this.#write(lines);
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

  #onMail(transaction: Transaction, line: string): void {
    transaction.mail = line;
    this.phase = 'rcpt';
    if (this.capabilities.has('PIPELINING')) return;
    if (!isPositive(line)) this.#refused(transaction, line);
    else this.#nextRcpt(transaction);
  }

  #nextRcpt(transaction: Transaction): void {
    const index = transaction.rcpt.length;
    const rcpt = transaction.commands.rcpt[index];
    if (rcpt !== undefined) {
      this._responseActions.push((line) => {
        this.#onRcpt(transaction, index, line);
        this.#nextRcpt(transaction);
      });
      this.#write(`${rcpt}\r\n`);
    } else if (transaction.accepted === 0) this.#refused(transaction, '503 no recipient was accepted');
    else {
      this._responseActions.push((line) => this.#onData(transaction, line));
      this.#write('DATA\r\n');
    }
  }

  #onRcpt(transaction: Transaction, index: number, line: string): void {
    transaction.rcpt[index] = line;
    if (isPositive(line)) transaction.accepted += 1;
    if (index === transaction.commands.rcpt.length - 1) this.phase = 'data';
  }

  #onData(transaction: Transaction, line: string): void {
    const goAhead = line.charCodeAt(0) === 0x33;
    if (isPositive(line) || (goAhead && !isPositive(transaction.mail ?? ''))) {
      // 2yz to DATA, or 354 after a refused MAIL: whoever answers so cannot be trusted with a body.
      this._onError(new Error(`unexpected reply to DATA: ${line.slice(0, 100)}`), 'EPROTOCOL', false, 'DATA');
    } else if (!goAhead) this.#refused(transaction, line);
    else if (transaction.accepted === 0) {
      // RFC 2920 §3.1: a server may say 354 although every RCPT failed; a lone dot ends the empty message.
      this._responseActions.push(() => this.#refused(transaction, '503 no recipient was accepted'));
      this.#write('.\r\n');
    } else {
      this._responseActions.push((answer) => this.#onDot(transaction, answer));
      if (transaction.body.kind === 'whole') this.#sendLast(transaction.body.octets);
      else void this.#sendPieces(transaction, transaction.body.open());
    }
  }

  /** The write that carries the final dot. */
  #sendLast(octets: Uint8Array): void {
    this.phase = 'dot-sent';
    this.deadline = monotonic() + this.#timeouts.data;
    if (this._socket !== false) this._socket.write(octets);
  }

  async #sendPieces(transaction: Transaction, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const encoder = new WireEncoder();
    // The last piece is held back until the source has ended well, so that it goes with the dot or not at all.
    let held: Uint8Array | null = null;
    try {
      for await (const piece of pieces) {
        if (this.#transaction !== transaction) return;
        const encoded = encoder.encode(piece);
        if (encoder.flaw !== null) return this.#unfit(encoder.flaw);
        if (held !== null) await this.#sendPiece(held);
        held = encoded;
      }
    } catch (error) {
      if (this.#transaction !== transaction) return;
      this.#conclude('lost', reply(451, '4.3.0', 'the stored message cannot be read', error));
      this.close();
      return;
    }
    if (this.#transaction !== transaction) return;
    const end = encoder.end();
    if (encoder.flaw !== null) return this.#unfit(encoder.flaw);
    this.#sendLast(held === null ? end : Buffer.concat([held, end]));
  }

  /** Writes a piece and waits while the socket is full; ends, too, when the connection does. */
  async #sendPiece(piece: Uint8Array): Promise<void> {
    this.deadline = monotonic() + this.#timeouts.data;
    const socket = this._socket;
    if (socket === false || socket.destroyed || socket.write(piece)) return;
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

  #unfit(flaw: Flaw): void {
    this.#conclude('unfit', unfitReply(flaw));
    this.close();
  }

  #onDot(transaction: Transaction, line: string): void {
    if (this.phase !== 'dot-sent') {
      // An answer in the middle of the body: the upstream has given up on it, and the session is out of step.
      if (isPositive(line)) this._onError(new Error('a reply before the final dot'), 'EPROTOCOL', false, 'DATA');
      else {
        this.#refused(transaction, line);
        this.close();
      }
    } else if (isPositive(line)) {
      this.phase = 'done';
      this.#conclude('accepted', upstreamReply(line));
    } else if (line.charCodeAt(0) === 0x33) {
      this._onError(new Error('354 in answer to the final dot'), 'EPROTOCOL', false, 'DATA');
    } else this.#refused(transaction, line);
  }

  /** A 4yz or 5yz to MAIL, DATA or the dot, or to every RCPT: the transaction is over, the session is not. */
  #refused(transaction: Transaction, line: string): void {
    this.#needsReset = true;
    this.#conclude('refused', upstreamReply(isRefusal(transaction.mail) ? transaction.mail : line));
  }

  /** Settles every recipient: by its own refusal, else by what ended the transaction. */
  #conclude(kind: Verdict['kind'], rest: Reply): void {
    const transaction = this.#transaction;
    if (transaction === null) return;
    this.#transaction = null;
    this.deadline = Number.POSITIVE_INFINITY;
    this.idleSince = monotonic();
    const { mail, rcpt, commands } = transaction;
    const verdicts: Verdict[] = [];
    for (let index = 0; index < commands.rcpt.length; index++) {
      const own = isRefusal(mail) ? mail : rcpt[index];
      // Only a 2yz to RCPT shares in what became of the message; 3yz is no answer to it, and counts as "later".
      const shares = own === undefined || isPositive(own);
      verdicts.push(shares ? { kind, reply: rest } : { kind: 'refused', reply: upstreamReply(own) });
    }
    const stale = kind === 'lost' && this.phase === 'mail' && this.transactions > 1;
    transaction.finish({ verdicts, phase: this.phase, stale });
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
    if (this.#transaction === null) return;
    if (this.phase === 'dot-sent') this.#conclude('unknown', outcomeUnknown(error));
    else this.#conclude('lost', said === undefined ? lostBy(error) : upstreamReply(said));
  }

  /** The 421 that the upstream went away with, if it said one. */
  #farewell(): string | undefined {
    return this.#lastReply?.startsWith('421') ? this.#lastReply : undefined;
  }

  #write(lines: string): void {
    if (this._socket !== false && !this._socket.destroyed) this._socket.write(lines, 'utf8');
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
    if (socket !== false) this.peer = `${socket.remoteAddress}:${socket.remotePort}`;
    super._onConnect();
  }

  override _sendCommand(line: string, logged?: string): void {
    if (line.startsWith('EHLO') || line.startsWith('HELO')) this.phase = 'hello';
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
    if (wrong !== null) this._onError(new Error(`the upstream speaks no SMTP: ${wrong}`), 'EPROTOCOL', false, 'CONN');
  }

  #answer(line: string): void {
    const closing = line.startsWith('421');
    if (closing && this.#transaction !== null && this.phase !== 'dot-sent') {
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
    if (this.#transaction !== null) this.deadline = monotonic() + this.#replyTime();
    action.call(this, line);
    if (closing) this._onServerClosing(line);
  }

  #replyTime(): number {
    return this.phase === 'dot-sent' ? this.#timeouts.data : this.#timeouts.command;
  }
}

const connectionLost = reply(451, '4.4.2', 'the connection to the upstream was lost before the message was sent');

export const unfitReply = (flaw: Flaw): Reply =>
  reply(451, '4.6.0', `the message holds ${flaw} and is not sent; held for an operator to look at`);

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

const sessionPhases: Readonly<Partial<Record<Phase, string>>> = {
  connect: 'cannot connect',
  greeting: 'no greeting',
  hello: 'EHLO failed',
  tls: 'TLS failed',
  auth: 'login failed',
};

/** 5yz to greeting, EHLO or AUTH, and TLS that cannot be had, are faults of our settings, not of any message. */
function sessionError(
  phase: Phase,
  error: Error | null,
  said: string | undefined,
  misconfigured: boolean,
): SessionError {
  const what = sessionPhases[phase] ?? 'no session';
  const ours = misconfigured || phase === 'tls' || said?.charCodeAt(0) === 0x35;
  const detail = said ?? error?.message ?? 'the connection was closed';
  const enhanced = phase === 'tls' || phase === 'auth' ? '4.7.0' : '4.4.1';
  const text = `${what}: ${detail.replaceAll(/\s+/g, ' ').slice(0, 400)}`;
  return new SessionError(phase, reply(451, enhanced, text, error ?? undefined), ours, error);
}
