import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { bodyHash, type CapturedMail, messageId, unstuff } from './captured-mail.ts';
import { dataEndOverlap, type FindDataEnd } from './data-end.ts';
import type { SinkAnswer, SinkPhase } from './sink-script.ts';

/** What a connection needs of its sink. */
export interface SinkHost {
  readonly extensions: readonly string[];
  readonly tls: { cert: Buffer; key: Buffer } | undefined;
  readonly findEnd: FindDataEnd;
  readonly keepRaw: boolean;
  /** Milliseconds of pause after each piece of data read. */
  readonly readPause: number;
  ask(question: {
    phase: SinkPhase;
    line: string;
    connection: number;
    sender: string;
    recipients: readonly string[];
  }): SinkAnswer | undefined;
  took(mail: CapturedMail): void;
  /** The connection ended with data half received, or with a dot unanswered. */
  cutOff(phase: 'data' | 'dot', connection: number): void;
}

const phases: Readonly<Record<string, SinkPhase>> = {
  EHLO: 'ehlo',
  HELO: 'ehlo',
  STARTTLS: 'starttls',
  AUTH: 'auth',
  MAIL: 'mail',
  RCPT: 'rcpt',
  DATA: 'data',
  RSET: 'rset',
  NOOP: 'noop',
  QUIT: 'quit',
};

const address = (line: string): string => /<([^>]*)>/.exec(line)?.[1] ?? '';

/** One session of the sink: reads commands and data as they come, one answer after the other. */
export class SinkConnection {
  private socket: Socket;
  private readonly host: SinkHost;
  private readonly number: number;
  private input: Buffer = Buffer.alloc(0);
  private data: Buffer[] | undefined;
  private dataLength = 0;
  private tail: Buffer = Buffer.alloc(0);
  private mailCommand = '';
  private rcptCommands: string[] = [];
  private loginLines = 0;
  private waiting = false;
  private dotUnanswered = false;
  private stalled = false;

  constructor(socket: Socket, host: SinkHost, number: number) {
    this.socket = socket;
    this.host = host;
    this.number = number;
    this.listen();
    socket.once('close', () => this.closed());
    this.answer('connect', '', '220 sink.test ESMTP');
  }

  private listen(): void {
    this.socket.setNoDelay(true);
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk: Buffer) => {
      if (this.host.readPause > 0) {
        this.socket.pause();
        setTimeout(() => this.socket.resume(), this.host.readPause);
      }
      this.input = this.input.length === 0 ? chunk : Buffer.concat([this.input, chunk]);
      this.work();
    });
  }

  private closed(): void {
    if (this.dotUnanswered) this.host.cutOff('dot', this.number);
    else if (this.data !== undefined) this.host.cutOff('data', this.number);
    this.stalled = true;
  }

  private work(): void {
    while (!this.waiting && !this.stalled && this.input.length > 0) {
      if (this.data !== undefined) {
        if (!this.readData(this.data)) return;
        continue;
      }
      const end = this.input.indexOf(0x0a);
      if (end < 0) return;
      const line = this.input.toString('utf8', 0, end).replace(/\r$/, '');
      this.input = this.input.subarray(end + 1);
      // A lenient end of data may leave the LF of its CRLF behind.
      if (line !== '') this.command(line);
    }
  }

  /** Takes what has come; true when the data ended. Only the last octets are looked at twice. */
  private readData(chunks: Buffer[]): boolean {
    const before = this.dataLength - this.tail.length;
    const window = this.tail.length === 0 ? this.input : Buffer.concat([this.tail, this.input]);
    const found = this.host.findEnd(window, before === 0);
    chunks.push(this.input);
    if (found === undefined) {
      this.dataLength += this.input.length;
      this.tail = Buffer.from(window.subarray(-dataEndOverlap));
      this.input = Buffer.alloc(0);
      return false;
    }
    const all = Buffer.concat(chunks);
    this.data = undefined;
    this.input = all.subarray(before + found.next);
    this.finish(all.subarray(0, before + found.end));
    return true;
  }

  private finish(data: Buffer): void {
    const message = unstuff(data);
    const mail: CapturedMail = {
      connection: this.number,
      sender: address(this.mailCommand),
      recipients: this.rcptCommands.map(address),
      mailCommand: this.mailCommand,
      rcptCommands: this.rcptCommands,
      size: message.length,
      bodyHash: bodyHash(message),
      messageId: messageId(message),
      raw: this.host.keepRaw ? Buffer.from(message) : Buffer.alloc(0),
      acknowledged: false,
      at: 0,
    };
    this.dotUnanswered = true;
    this.answer('dot', '.', '250 2.0.0 Ok: taken', () => {
      this.dotUnanswered = false;
      mail.acknowledged = true;
      mail.at = Date.now();
      this.host.took(mail);
    });
    this.mailCommand = '';
    this.rcptCommands = [];
  }

  private command(line: string): void {
    if (this.loginLines > 0) {
      this.loginLines -= 1;
      this.answer('auth', line, this.loginLines > 0 ? '334 UGFzc3dvcmQ6' : '235 2.7.0 Logged in');
      return;
    }
    const verb = line.split(' ', 1)[0]?.toUpperCase() ?? '';
    const phase = phases[verb] ?? 'unknown';
    switch (phase) {
      case 'ehlo': {
        const lines = ['sink.test', ...(verb === 'EHLO' ? this.offers() : [])];
        const reply = lines.map((text, index) => `250${index === lines.length - 1 ? ' ' : '-'}${text}`).join('\r\n');
        this.answer(phase, line, reply);
        return;
      }
      case 'starttls':
        this.answer(phase, line, '220 2.0.0 Go ahead', () => this.secure());
        return;
      case 'auth': {
        const plain = /^AUTH PLAIN \S/i.test(line);
        const login = /^AUTH LOGIN/i.test(line);
        if (plain) this.answer(phase, line, '235 2.7.0 Logged in');
        else this.answer(phase, line, login ? '334 VXNlcm5hbWU6' : '334 ', () => this.expectLogin(login ? 2 : 1));
        return;
      }
      case 'mail':
        this.answer(phase, line, '250 2.1.0 Ok', () => {
          this.mailCommand = line;
          this.rcptCommands = [];
        });
        return;
      case 'rcpt':
        this.answer(phase, line, '250 2.1.5 Ok', () => this.rcptCommands.push(line));
        return;
      case 'data':
        if (this.rcptCommands.length === 0) this.answer(phase, line, '503 5.5.1 No recipients');
        else this.answer(phase, line, '354 End with CRLF.CRLF', () => this.expectData());
        return;
      case 'quit':
        this.answer(phase, line, '221 2.0.0 Bye', () => this.socket.end());
        return;
      case 'unknown':
        this.answer(phase, line, '500 5.5.2 Unknown command');
        return;
      default:
        if (phase === 'rset') this.mailCommand = '';
        this.answer(phase, line, '250 2.0.0 Ok');
    }
  }

  private offers(): readonly string[] {
    const offered = this.host.tls !== undefined && !(this.socket instanceof TLSSocket) ? ['STARTTLS'] : [];
    return [...this.host.extensions, ...offered];
  }

  private expectLogin(lines: number): void {
    this.loginLines = lines;
  }

  private expectData(): void {
    this.data = [];
    this.dataLength = 0;
    this.tail = Buffer.alloc(0);
  }

  private secure(): void {
    if (this.host.tls === undefined) return;
    // Whatever came in clear behind STARTTLS is dropped (RFC 3207 §4.2).
    this.input = Buffer.alloc(0);
    this.socket.removeAllListeners('data');
    this.socket = new TLSSocket(this.socket, { isServer: true, secureContext: createSecureContext(this.host.tls) });
    this.listen();
  }

  /** Writes the ordinary reply and runs `then`, unless the script says otherwise. */
  private answer(phase: SinkPhase, line: string, ordinary: string, then?: () => void): void {
    const answer = this.host.ask({
      phase,
      line,
      connection: this.number,
      sender: address(phase === 'mail' ? line : this.mailCommand),
      recipients: this.rcptCommands.map(address),
    });
    if (answer?.delay === undefined) {
      this.act(answer, ordinary, then);
      return;
    }
    this.waiting = true;
    setTimeout(() => {
      this.waiting = false;
      if (this.stalled) return;
      this.act(answer, ordinary, then);
      this.work();
    }, answer.delay);
  }

  private act(answer: SinkAnswer | undefined, ordinary: string, then?: () => void): void {
    if (answer?.stall) {
      this.stalled = true;
      return;
    }
    const reply = answer?.reply ?? (answer?.drop ? undefined : ordinary);
    if (reply !== undefined) {
      this.socket.write(typeof reply === 'string' ? `${reply}\r\n` : reply);
      this.dotUnanswered = false;
    }
    if (answer?.drop) {
      this.stalled = true;
      this.socket.end();
      this.socket.destroySoon();
      return;
    }
    if (answer?.reply === undefined) then?.();
  }
}
