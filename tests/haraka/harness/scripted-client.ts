import { createHmac } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Exchange, Reply, Step } from './session.ts';
import { stepLabel } from './session.ts';

export interface ClientOptions {
  readonly port: number;
  /** A PROXY v1 line goes first, with this address as the client's. */
  readonly proxyFor?: string;
  /** Milliseconds until a reply counts as never coming; default 15,000. */
  readonly patience?: number;
}

const stuffed = (message: string | Buffer): Buffer => {
  const text = message.toString('latin1').replaceAll(/(^|\r\n)\./g, '$1..');
  return Buffer.from(text.endsWith('\r\n') ? text : `${text}\r\n`, 'latin1');
};
const octets = (text: string | Buffer): Buffer => (typeof text === 'string' ? Buffer.from(text, 'utf8') : text);

/** One connection of a scripted client; `run` plays a script and answers what was heard. */
export class ScriptedClient {
  private readonly options: ClientOptions;
  private socket: Socket;
  private input = '';
  private lines: string[] = [];
  private code = 0;
  private readonly replies: Reply[] = [];
  private closed = false;
  private wake: (() => void) | undefined;

  constructor(options: ClientOptions) {
    this.options = options;
    this.socket = connect({ port: options.port, host: '127.0.0.1' });
    this.listen();
  }

  async run(script: readonly Step[]): Promise<Exchange[]> {
    const exchanges: Exchange[] = [];
    await this.connected();
    if (this.options.proxyFor !== undefined) this.write(proxyLine(this.options.proxyFor));
    const [first, ...rest] = script;
    const early = typeof first === 'object' && 'early' in first;
    if (early) this.write(first.early);
    exchanges.push(await this.exchange('(connect)', 1));
    for (const step of early ? rest : script) {
      if (this.closed && this.replies.length === 0) {
        exchanges.push({ sent: stepLabel(step), replies: [], milliseconds: 0, closed: true, silent: false });
        break;
      }
      const exchange = await this.play(step);
      exchanges.push(exchange);
      if (exchange.silent) break;
    }
    this.socket.destroy();
    return exchanges;
  }

  private async play(step: Step): Promise<Exchange> {
    const label = stepLabel(step);
    if (typeof step === 'string') {
      this.write(`${step}\r\n`);
      return this.exchange(label, 1);
    }
    if ('data' in step) return this.data(step, label);
    if ('pipeline' in step) {
      this.write(step.pipeline.map((line) => `${line}\r\n`).join(''));
      const said = await this.exchange(label, step.pipeline.length);
      if (step.message === undefined || said.replies.at(-1)?.code !== 354) return said;
      this.write(Buffer.concat([stuffed(step.message), octets('.\r\n')]));
      const done = await this.exchange(label, 1);
      return { ...done, replies: [...said.replies, ...done.replies] };
    }
    if ('write' in step) {
      this.write(step.write);
      return this.exchange(label, step.replies);
    }
    if ('startTls' in step) return this.startTls(label, step.behind ?? '');
    if ('cramMd5' in step) return this.cramMd5(label, step.cramMd5);
    if ('pause' in step) {
      await new Promise((resolve) => setTimeout(resolve, step.pause));
      return this.exchange(label, 0);
    }
    if ('leave' in step) {
      if (step.after !== undefined) await this.flush(step.after);
      if (step.leave === 'reset') this.socket.resetAndDestroy();
      else this.socket.end();
      return { sent: label, replies: [], milliseconds: 0, closed: false, silent: false };
    }
    throw new Error('an early step comes first');
  }

  private async data(step: { data: string | Buffer; behindDot?: string }, label: string): Promise<Exchange> {
    this.write('DATA\r\n');
    const go = await this.exchange(label, 1);
    if (go.replies[0]?.code !== 354) return go;
    const behind = step.behindDot ?? '';
    this.write(Buffer.concat([stuffed(step.data), octets(`.\r\n${behind}`)]));
    const done = await this.exchange(label, 1 + behind.split('\r\n').length - 1);
    return { ...done, replies: [...go.replies, ...done.replies] };
  }

  private async startTls(label: string, behind: string): Promise<Exchange> {
    this.write(`STARTTLS\r\n${behind}`);
    const go = await this.exchange(label, 1);
    if (go.replies[0]?.code !== 220) return go;
    this.socket.removeAllListeners();
    const secure = connectTls({ socket: this.socket, rejectUnauthorized: false });
    this.socket = secure;
    const failed = await new Promise<boolean>((resolve) => {
      secure.once('secureConnect', () => resolve(false));
      secure.once('error', () => resolve(true));
      secure.once('close', () => resolve(true));
    });
    if (failed) this.closed = true;
    else this.listen();
    return { ...go, closed: failed };
  }

  private async cramMd5(label: string, login: { username: string; password: string }): Promise<Exchange> {
    this.write('AUTH CRAM-MD5\r\n');
    const challenge = await this.exchange(label, 1);
    const ticket = challenge.replies[0];
    if (ticket?.code !== 334) return challenge;
    const digest = createHmac('md5', login.password)
      .update(Buffer.from(ticket.lines[0] ?? '', 'base64'))
      .digest('hex');
    this.write(`${Buffer.from(`${login.username} ${digest}`).toString('base64')}\r\n`);
    const done = await this.exchange(label, 1);
    // The ticket differs from session to session.
    return { ...done, replies: [{ code: 334, lines: ['(ticket)'] }, ...done.replies] };
  }

  private async exchange(sent: string, count: number): Promise<Exchange> {
    const start = performance.now();
    const replies: Reply[] = [];
    let silent = false;
    while (replies.length < count) {
      const reply = this.replies.shift();
      if (reply !== undefined) replies.push(reply);
      else if (this.closed) break;
      else if (!(await this.more())) {
        silent = true;
        break;
      }
    }
    const milliseconds = performance.now() - start;
    return { sent, replies, milliseconds, closed: replies.length < count && !silent, silent };
  }

  /** False when nothing came within the client's patience. */
  private more(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), this.options.patience ?? 15_000);
      this.wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  private connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.once('connect', resolve);
      this.socket.once('error', reject);
    });
  }

  private write(text: string | Buffer): void {
    if (!this.closed) this.socket.write(octets(text));
  }

  private flush(text: string): Promise<void> {
    return new Promise((resolve) => this.socket.write(text, () => resolve()));
  }

  private listen(): void {
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk: Buffer) => this.read(chunk.toString('utf8')));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
      this.wake?.();
    });
    this.socket.on('end', () => {
      this.closed = true;
      this.wake?.();
    });
  }

  private read(text: string): void {
    this.input += text;
    for (let end = this.input.indexOf('\n'); end >= 0; end = this.input.indexOf('\n')) {
      const line = this.input.slice(0, end).replace(/\r$/, '');
      this.input = this.input.slice(end + 1);
      this.code = Number(line.slice(0, 3));
      this.lines.push(line.slice(4));
      if (line[3] === '-') continue;
      this.replies.push({ code: this.code, lines: this.lines });
      this.lines = [];
    }
    this.wake?.();
  }
}

/** PROXY v1; the same destination on every side, so that plugins see the same local port. */
const proxyLine = (address: string): string =>
  address.includes(':') ? `PROXY TCP6 ${address} ::1 41234 25\r\n` : `PROXY TCP4 ${address} 127.0.0.1 41234 25\r\n`;
