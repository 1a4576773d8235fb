import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type PeerCertificate, TLSSocket } from 'node:tls';

export interface ServerReply {
  code: number;
  /** Without code and separators; lines joined by LF. */
  text: string;
}

/** The peer closed or reset before the reply that was waited for. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

interface Waiting {
  resolve(reply: ServerReply): void;
  reject(error: Error): void;
}

/** A bare SMTP client for tests: it sends exactly the octets it is given, and reads replies in order. */
export class SmtpDialogue implements AsyncDisposable {
  private socket: Socket;
  private input = '';
  private lines: string[] = [];
  private readonly replies: ServerReply[] = [];
  private readonly waiting: Waiting[] = [];
  private lost: ConnectionLost | undefined;
  /** All that was heard, for messages of failed tests. */
  heard = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    this.listen();
  }

  /** Connects and reads the greeting, unless `greeting` is false. */
  static async open(
    port: number,
    options: { host?: string; tls?: boolean; localAddress?: string; greeting?: boolean } = {},
  ): Promise<SmtpDialogue> {
    const target = {
      port,
      host: options.host ?? '127.0.0.1',
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
    };
    const socket = options.tls ? connectTls({ ...target, rejectUnauthorized: false }) : connectTcp(target);
    await new Promise<void>((resolve, reject) => {
      socket.once(options.tls ? 'secureConnect' : 'connect', resolve);
      socket.once('error', reject);
    });
    const dialogue = new SmtpDialogue(socket);
    if (options.greeting ?? true) await dialogue.reply();
    return dialogue;
  }

  /** Sends octets as they are. */
  write(octets: string | Buffer): void {
    this.socket.write(octets);
  }

  /** As `write`; resolves when the kernel has them, so that what follows leaves in a packet of its own. */
  flush(octets: string | Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.write(octets, (error) => {
        if (error) reject(new ConnectionLost(`connection lost: ${error.message}`));
        else resolve();
      });
    });
  }

  /** The next whole reply; rejects with ConnectionLost. */
  reply(): Promise<ServerReply> {
    const ready = this.replies.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    if (this.lost !== undefined) return Promise.reject(this.lost);
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  /** Sends one line and reads its reply. */
  command(line: string): Promise<ServerReply> {
    this.write(`${line}\r\n`);
    return this.reply();
  }

  /** As `command`, but throws where the reply's code is another. */
  async expect(code: number, line: string): Promise<ServerReply> {
    const reply = await this.command(line);
    if (reply.code !== code) throw new Error(`${line} was answered ${reply.code} ${reply.text}, not ${code}`);
    return reply;
  }

  async startTls(options: Pick<ConnectionOptions, 'cert' | 'key' | 'servername'> = {}): Promise<void> {
    await this.expect(220, 'STARTTLS');
    this.socket.removeAllListeners();
    const secure = connectTls({ socket: this.socket, rejectUnauthorized: false, ...options });
    this.socket = secure;
    await new Promise<void>((resolve, reject) => {
      secure.once('secureConnect', resolve);
      secure.once('error', reject);
    });
    this.listen();
  }

  /** What the server showed in the handshake; null in clear. */
  certificate(): PeerCertificate | null {
    return this.socket instanceof TLSSocket ? this.socket.getPeerCertificate() : null;
  }

  /** AUTH PLAIN with initial response (RFC 4954 §4). */
  login(username: string, password: string): Promise<ServerReply> {
    return this.command(`AUTH PLAIN ${Buffer.from(`\0${username}\0${password}`).toString('base64')}`);
  }

  /** One transaction; resolves with the first reply that is not the hoped-for one, or with that to the dot. */
  async send(sender: string, recipients: readonly string[], message: string | Buffer): Promise<ServerReply> {
    const mail = await this.command(`MAIL FROM:<${sender}>`);
    if (mail.code !== 250) return mail;
    for (const recipient of recipients) {
      const rcpt = await this.command(`RCPT TO:<${recipient}>`);
      if (rcpt.code !== 250) return rcpt;
    }
    const data = await this.command('DATA');
    if (data.code !== 354) return data;
    this.write(message);
    this.write('\r\n.\r\n');
    return this.reply();
  }

  /** Resolves when the peer has closed. */
  closed(): Promise<void> {
    if (this.lost !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.socket.once('close', () => resolve()));
  }

  /** Ends our side, as a client that has said all. */
  end(): void {
    this.socket.end();
  }

  /** Drops the connection without a word. */
  destroy(): void {
    this.socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
  }

  private listen(): void {
    this.socket.setNoDelay(true);
    this.socket.setEncoding('utf8');
    this.socket.on('data', (text: string) => this.read(text));
    this.socket.on('error', (error) => this.fail(error.message));
    this.socket.on('close', () => this.fail('closed'));
  }

  private fail(reason: string): void {
    this.lost ??= new ConnectionLost(`connection lost: ${reason}`);
    for (const { reject } of this.waiting.splice(0)) reject(this.lost);
  }

  private read(text: string): void {
    this.heard += text;
    this.input += text;
    for (let end = this.input.indexOf('\n'); end >= 0; end = this.input.indexOf('\n')) {
      const line = this.input.slice(0, end).replace(/\r$/, '');
      this.input = this.input.slice(end + 1);
      this.lines.push(line.slice(4));
      if (line[3] === '-') continue;
      const reply = { code: Number(line.slice(0, 3)), text: this.lines.join('\n') };
      this.lines = [];
      const next = this.waiting.shift();
      if (next === undefined) this.replies.push(reply);
      else next.resolve(reply);
    }
  }
}
