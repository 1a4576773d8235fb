import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type BenchMessage, envelopeCommands } from './bench-message.ts';
import type { LoadSettings } from './load-settings.ts';

/** What all sessions of a generator share. */
export interface LoadPlan {
  readonly settings: LoadSettings;
  /** The number of the next message, or undefined when all are given out. */
  next(): number | undefined;
  accepted(milliseconds: number): void;
  /** A message that did not get its 250. */
  refused(reply: string): void;
  done(): void;
}

type Step = 'greeting' | 'ehlo' | 'starttls' | 'auth' | 'envelope' | 'dot' | 'quit';

/** One sending session: raw sockets, pipelined, no promise and no allocation a reply. */
export class LoadSession {
  readonly #plan: LoadPlan;
  readonly #message: BenchMessage;
  #socket: Socket;
  #step: Step = 'greeting';
  #number: number | undefined;
  /** Replies of the envelope still to come. */
  #awaited = 0;
  #started = 0;
  #partial = '';

  constructor(plan: LoadPlan, message: BenchMessage) {
    this.#plan = plan;
    this.#message = message;
    this.#number = plan.next();
    this.#socket = this.#connect();
  }

  #connect(): Socket {
    this.#step = 'greeting';
    const socket = connect(this.#plan.settings.port, '127.0.0.1');
    this.#listen(socket);
    return socket;
  }

  #listen(socket: Socket): void {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => this.#lost(error.message));
    socket.on('close', () => this.#lost('closed by the relay'));
  }

  #lost(reason: string): void {
    if (this.#step === 'quit') return;
    this.#step = 'quit';
    if (this.#number !== undefined) this.#plan.refused(reason);
    this.#number = this.#plan.next();
    if (this.#number === undefined) this.#plan.done();
    else this.#socket = this.#connect();
  }

  #read(chunk: Buffer): void {
    const text = this.#partial + chunk.toString('latin1');
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      // `250-` continues, `250 ` ends a reply.
      if (text.charCodeAt(start + 3) !== 0x2d) this.#reply(text, start, end);
      start = end + 1;
    }
    this.#partial = text.slice(start);
  }

  #reply(text: string, start: number, end: number): void {
    const first = text.charCodeAt(start);
    if (first !== 0x32 && first !== 0x33) {
      this.#fail(text.slice(start, end).trim());
      return;
    }
    switch (this.#step) {
      case 'greeting':
        this.#step = 'ehlo';
        this.#socket.write('EHLO bench.test\r\n');
        return;
      case 'ehlo':
        this.#afterEhlo();
        return;
      case 'starttls':
        this.#secure();
        return;
      case 'auth':
        this.#begin();
        return;
      case 'envelope':
        this.#awaited -= 1;
        if (this.#awaited > 0) return;
        this.#step = 'dot';
        this.#socket.write(this.#message.number(this.#number ?? 0));
        return;
      case 'dot':
        this.#plan.accepted(performance.now() - this.#started);
        this.#number = this.#plan.next();
        if (this.#plan.settings.keepAlive && this.#number !== undefined) this.#begin();
        else this.#quit();
        return;
      default:
        this.#socket.end();
    }
  }

  #afterEhlo(): void {
    const { startTls, login } = this.#plan.settings;
    if (startTls && !('encrypted' in this.#socket)) {
      this.#step = 'starttls';
      this.#socket.write('STARTTLS\r\n');
    } else if (login !== null) {
      this.#step = 'auth';
      const secret = Buffer.from(`\0${login.username}\0${login.password}`).toString('base64');
      this.#socket.write(`AUTH PLAIN ${secret}\r\n`);
    } else {
      this.#begin();
    }
  }

  #secure(): void {
    this.#socket.removeAllListeners();
    const secure = connectTls({ socket: this.#socket, rejectUnauthorized: false }, () => {
      this.#step = 'ehlo';
      secure.write('EHLO bench.test\r\n');
    });
    this.#listen(secure);
    this.#socket = secure;
  }

  #begin(): void {
    this.#step = 'envelope';
    this.#awaited = 3;
    this.#started = performance.now();
    this.#socket.write(envelopeCommands);
  }

  /** Says goodbye; with messages left, the next connection starts at once. */
  #quit(): void {
    const socket = this.#socket;
    socket.removeAllListeners();
    socket.on('error', () => undefined);
    socket.on('data', () => socket.end());
    socket.write('QUIT\r\n');
    if (this.#number === undefined) this.#plan.done();
    else this.#socket = this.#connect();
  }

  #fail(reply: string): void {
    this.#socket.removeAllListeners();
    this.#socket.on('error', () => undefined);
    this.#socket.destroy();
    this.#lost(reply);
  }
}
