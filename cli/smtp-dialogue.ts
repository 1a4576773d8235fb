import { connect, type Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { SluiceError } from '../core/domain/errors.ts';

/** One line of the dialogue, as it may be shown: secrets are not in it. */
export interface DialogueLine {
  readonly by: 'client' | 'server' | 'note';
  readonly text: string;
}

export interface Reply {
  readonly code: number;
  readonly lines: readonly string[];
}

export interface DialogueOptions {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte. */
  readonly implicitTls: boolean;
  /** False for a certificate that nobody vouches for, such as the self-signed one of the first start. */
  readonly verify: boolean;
  /** Longest wait for one reply. */
  readonly timeoutMilliseconds: number;
  readonly show: (line: DialogueLine) => void;
}

const lost = (message: string, cause?: unknown) => new SluiceError('SERVICE_UNAVAILABLE', message, { cause });

/** An SMTP client that speaks one command after the other and shows every line; for people who want to see it. */
export class SmtpDialogue {
  readonly #options: DialogueOptions;
  #socket: Socket;
  #lines: Interface;
  #iterator: AsyncIterator<string>;

  private constructor(socket: Socket, options: DialogueOptions) {
    this.#options = options;
    this.#socket = socket;
    this.#lines = createInterface({ input: socket });
    this.#iterator = this.#lines[Symbol.asyncIterator]();
  }

  /** Connects and reads the greeting. Rejects with `SERVICE_UNAVAILABLE`. */
  static async open(options: DialogueOptions): Promise<SmtpDialogue> {
    const { host, port, implicitTls, show } = options;
    show({ by: 'note', text: `connecting to ${host}:${port}${implicitTls ? ' with TLS' : ''}` });
    const plain = connect({ host, port });
    const socket = implicitTls ? secure(plain, options) : plain;
    await ready(socket, implicitTls ? 'secureConnect' : 'connect', options);
    const dialogue = new SmtpDialogue(socket, options);
    await dialogue.expect(await dialogue.#reply(), 'the greeting');
    return dialogue;
  }

  /** Sends a line and reads the reply. `shown` stands for a line that holds a secret. */
  async command(line: string, shown = line): Promise<Reply> {
    this.#options.show({ by: 'client', text: shown });
    this.#socket.write(`${line}\r\n`);
    return this.#reply();
  }

  /** Sends a message, its lines ended by CRLF, and the dot. */
  async content(message: string): Promise<Reply> {
    for (const line of message.split('\r\n')) this.#options.show({ by: 'client', text: line });
    this.#options.show({ by: 'client', text: '.' });
    this.#socket.write(`${message.replaceAll(/^\./gm, '..')}\r\n.\r\n`);
    return this.#reply();
  }

  /** Goes on under TLS, once the server has said 220 to STARTTLS. */
  async startTls(): Promise<void> {
    this.#lines.close();
    const socket = secure(this.#socket, this.#options);
    await ready(socket, 'secureConnect', this.#options);
    this.#socket = socket;
    this.#lines = createInterface({ input: socket });
    this.#iterator = this.#lines[Symbol.asyncIterator]();
    this.#options.show({ by: 'note', text: `${socket.getProtocol() ?? 'TLS'}, ${socket.getCipher().name}` });
  }

  /** Passes a reply on if it is 2xx or 3xx; else throws `MAIL_DEFERRED` or `MAIL_REFUSED` with what the server said. */
  expect(reply: Reply, what: string): Reply {
    if (reply.code < 400) return reply;
    const text = reply.lines.join(' ');
    throw new SluiceError(reply.code < 500 ? 'MAIL_DEFERRED' : 'MAIL_REFUSED', `${what} was answered: ${text}`);
  }

  close(): void {
    this.#lines.close();
    this.#socket.destroy();
  }

  async #reply(): Promise<Reply> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.#line();
      this.#options.show({ by: 'server', text: line });
      lines.push(line);
      if (/^\d{3}(?: |$)/.test(line)) return { code: Number(line.slice(0, 3)), lines };
      if (!/^\d{3}-/.test(line)) throw lost(`the server does not speak SMTP: ${line}`);
    }
  }

  async #line(): Promise<string> {
    const { timeoutMilliseconds } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(lost(`no reply within ${timeoutMilliseconds / 1000} s`)), timeoutMilliseconds);
    });
    try {
      const { done, value } = await Promise.race([this.#iterator.next(), late]);
      if (done === true) throw lost('the server closed the connection');
      return value;
    } finally {
      clearTimeout(timer);
    }
  }
}

const secure = (socket: Socket, { host, verify }: DialogueOptions): TLSSocket =>
  connectTls({ socket, rejectUnauthorized: verify, ...(/^[\d.:]+$/.test(host) ? {} : { servername: host }) });

function ready(socket: Socket, event: 'connect' | 'secureConnect', { host, port }: DialogueOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve());
    socket.once('error', (error) => reject(lost(`${host}:${port}: ${error.message}`, error)));
    // A connection lost later ends the row of lines, which says so; without a listener it would end the process.
    socket.on('error', () => socket.destroy());
  });
}
