import type { Phase } from '../../core/domain/message.ts';
import { type Reply, reply } from '../../core/domain/reply.ts';
import { sendPieces } from './body-sender.ts';
import type { BeforeDot, TransactionCommands, TransactionResult, Verdict, WireBody } from './transaction.ts';
import { upstreamReply } from './upstream-reply.ts';
import type { Flaw } from './wire-encoder.ts';

/** A session as a transaction uses it. */
export interface TransactionWire {
  readonly usable: boolean;
  readonly pipelining: boolean;
  /** True where every recipient is answered for behind the final dot (RFC 2033 §4.2). */
  readonly lmtp: boolean;
  /** Calls back with the next reply that nobody waits for yet. */
  expect(onReply: (line: string) => void): void;
  write(lines: string): void;
  /** Writes a piece of the body; resolves when there is room for more, or the connection is gone. */
  writePiece(octets: Uint8Array): Promise<void>;
  writeLast(octets: Uint8Array): void;
  /** Ends the session because the upstream broke the protocol. */
  breach(what: string): void;
  close(): void;
}

const isPositive = (line: string): boolean => line.charCodeAt(0) === 0x32;
const isGoAhead = (line: string): boolean => line.charCodeAt(0) === 0x33;
const isRefusal = (line: string | undefined): line is string => line !== undefined && line.charCodeAt(0) > 0x33;

const nobodyAccepted = '503 5.5.1 no recipient was accepted';
export const connectionLost = reply(
  451,
  '4.4.2',
  'the connection to the upstream was lost before the message was sent',
);
const takenOver = reply(451, '4.3.0', 'another worker took the message over before it was sent');
const notTold = (cause: unknown): Reply =>
  reply(451, '4.3.0', 'it could not be recorded that the message is about to be sent', cause);
const unreadable = (cause: unknown): Reply => reply(451, '4.3.0', 'the stored message cannot be read', cause);
export const unfitReply = (flaw: Flaw): Reply =>
  reply(451, '4.6.0', `the message holds ${flaw} and is not sent; held for an operator to look at`);

/**
 * One mail transaction: MAIL, RCPT, DATA, the body and its dot (RFC 5321 §3.3), pipelined where the upstream can
 * (RFC 2920). However it ends, `finish` is called once, with a verdict for every recipient.
 */
export class TransactionDialogue {
  /** How far it came. */
  phase: Phase = 'mail';
  readonly #wire: TransactionWire;
  readonly #commands: TransactionCommands;
  readonly #body: WireBody;
  readonly #beforeDot: BeforeDot | null;
  readonly #finish: (result: TransactionResult) => void;
  /** Replies to RCPT, undefined while not answered. */
  readonly #rcpt: (string | undefined)[] = [];
  /** Of LMTP: replies to the final dot, by recipient. */
  readonly #final: (string | undefined)[] = [];
  #mail: string | undefined;
  #accepted = 0;
  #over = false;

  constructor(
    wire: TransactionWire,
    what: {
      readonly commands: TransactionCommands;
      readonly body: WireBody;
      readonly beforeDot: BeforeDot | null;
    },
    finish: (result: TransactionResult) => void,
  ) {
    this.#wire = wire;
    this.#commands = what.commands;
    this.#body = what.body;
    this.#beforeDot = what.beforeDot;
    this.#finish = finish;
  }

  /** `reset`: the transaction before was broken off, and has to be forgotten by the upstream first. */
  begin(reset: boolean): void {
    const wire = this.#wire;
    if (!wire.usable) {
      this.conclude('lost', connectionLost);
      return;
    }
    if (!wire.pipelining) {
      if (!reset) {
        this.#sendMail();
        return;
      }
      wire.expect(() => this.#sendMail());
      wire.write('RSET\r\n');
      return;
    }
    let lines = '';
    if (reset) {
      wire.expect(() => {});
      lines = 'RSET\r\n';
    }
    wire.expect((line) => this.#onMail(line));
    lines += `${this.#commands.mail}\r\n`;
    for (const [index, rcpt] of this.#commands.rcpt.entries()) {
      wire.expect((line) => this.#onRcpt(index, line));
      lines += `${rcpt}\r\n`;
    }
    wire.expect((line) => this.#onData(line));
    wire.write(`${lines}DATA\r\n`);
  }

  /** Settles every recipient: by its own refusal, else by what ended the transaction. Nothing happens the second time. */
  conclude(kind: Verdict['kind'], rest: Reply): void {
    if (this.#over) return;
    this.#over = true;
    const mail = this.#mail;
    const verdicts = this.#commands.rcpt.map((_, index): Verdict => {
      const own = isRefusal(mail) ? mail : this.#rcpt[index];
      // Only a 2yz to RCPT shares in what became of the message; 3yz is no answer to it, and counts as "later".
      const last = own === undefined || isPositive(own) ? this.#final[index] : own;
      if (last === undefined) return { kind, reply: rest };
      return { kind: isPositive(last) ? 'accepted' : 'refused', reply: upstreamReply(last) };
    });
    this.#finish({ verdicts, phase: this.phase, unanswered: kind === 'lost' && this.phase === 'mail' });
  }

  #sendMail(): void {
    this.#wire.expect((line) => {
      this.#onMail(line);
      if (isPositive(line)) this.#nextRcpt();
      else this.#refused(line);
    });
    this.#wire.write(`${this.#commands.mail}\r\n`);
  }

  /** Without PIPELINING: one command, one reply. */
  #nextRcpt(): void {
    const index = this.#rcpt.length;
    const rcpt = this.#commands.rcpt[index];
    if (rcpt !== undefined) {
      this.#wire.expect((line) => {
        this.#onRcpt(index, line);
        this.#nextRcpt();
      });
      this.#wire.write(`${rcpt}\r\n`);
    } else if (this.#accepted === 0) this.#refused(nobodyAccepted);
    else {
      this.#wire.expect((line) => this.#onData(line));
      this.#wire.write('DATA\r\n');
    }
  }

  #onMail(line: string): void {
    this.#mail = line;
    this.phase = 'rcpt';
  }

  #onRcpt(index: number, line: string): void {
    this.#rcpt[index] = line;
    if (isPositive(line)) this.#accepted += 1;
    if (index === this.#commands.rcpt.length - 1) this.phase = 'data';
  }

  #onData(line: string): void {
    if (isPositive(line) || (isGoAhead(line) && !isPositive(this.#mail ?? ''))) {
      // 2yz to DATA, or 354 after a refused MAIL: whoever answers so cannot be trusted with a body.
      this.#wire.breach(`unexpected reply to DATA: ${line.slice(0, 100)}`);
    } else if (!isGoAhead(line)) this.#refused(line);
    else if (this.#accepted === 0) {
      // RFC 2920 §3.1: a server may say 354 although every RCPT failed; a lone dot ends the empty message.
      this.#wire.expect(() => this.#refused(nobodyAccepted));
      this.#wire.write('.\r\n');
    } else {
      this.#expectEnd();
      if (this.#body.kind === 'whole') this.#sendLast(this.#body.octets);
      else void this.#sendPieces(this.#body.open());
    }
  }

  /** One answer to the dot; of LMTP one for each recipient that was accepted, in their order. */
  #expectEnd(): void {
    if (!this.#wire.lmtp) {
      this.#wire.expect((answer) => this.#onDot(answer));
      return;
    }
    for (const [index, line] of this.#rcpt.entries()) {
      if (isPositive(line ?? '')) this.#wire.expect((answer) => this.#onDotFor(index, answer));
    }
  }

  async #sendPieces(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const over = () => this.#over;
    const sink = {
      get wanted() {
        return !over();
      },
      write: (piece: Uint8Array) => this.#wire.writePiece(piece),
      writeLast: (piece: Uint8Array) => this.#sendLast(piece),
    };
    try {
      const flaw = await sendPieces(pieces, sink);
      if (flaw === null) return;
      this.conclude('unfit', unfitReply(flaw));
    } catch (error) {
      this.conclude('lost', unreadable(error));
    }
    // What was sent of the body must never be ended by a dot.
    this.#wire.close();
  }

  /** Sends the last piece with the final dot, once whoever has to know of it knows. */
  #sendLast(octets: Uint8Array): void {
    if (this.#beforeDot === null) this.#end(octets);
    else void this.#endOnceTold(octets, this.#beforeDot);
  }

  async #endOnceTold(octets: Uint8Array, beforeDot: BeforeDot): Promise<void> {
    let why = takenOver;
    try {
      const accepted = [...this.#commands.rcpt.keys()].filter((index) => isPositive(this.#rcpt[index] ?? ''));
      if (await beforeDot(accepted)) {
        if (!this.#over) this.#end(octets);
        return;
      }
    } catch (error) {
      why = notTold(error);
    }
    this.conclude('lost', why);
    this.#wire.close();
  }

  /** The write that carries the final dot: from here on a lost connection leaves the outcome unknown. */
  #end(octets: Uint8Array): void {
    if (!this.#wire.usable) {
      this.conclude('lost', connectionLost);
      this.#wire.close();
      return;
    }
    this.phase = 'dot-sent';
    this.#wire.writeLast(octets);
  }

  #onDot(line: string): void {
    if (this.phase !== 'dot-sent') {
      // An answer in the middle of the body: the upstream has given up on it, and the session is out of step.
      if (!isRefusal(line)) this.#wire.breach('a reply before the final dot');
      else {
        this.#refused(line);
        this.#wire.close();
      }
    } else if (isPositive(line)) {
      this.phase = 'done';
      this.conclude('accepted', upstreamReply(line));
    } else if (isGoAhead(line)) this.#wire.breach('354 in answer to the final dot');
    else this.#refused(line);
  }

  #onDotFor(index: number, line: string): void {
    if (this.phase !== 'dot-sent' || isGoAhead(line)) {
      this.#onDot(line);
      return;
    }
    this.#final[index] = line;
    this.#accepted -= 1;
    if (this.#accepted > 0) return;
    this.phase = 'done';
    this.conclude('accepted', upstreamReply(line));
  }

  /** A 4yz or 5yz to MAIL, DATA or the dot, or to every RCPT: the transaction is over, the session is not. */
  #refused(line: string): void {
    this.conclude('refused', upstreamReply(isRefusal(this.#mail) ? this.#mail : line));
  }
}
