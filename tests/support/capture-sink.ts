import { createServer, type Socket } from 'node:net';
import type { CapturedMail } from './captured-mail.ts';
import { lenientDataEnd, strictDataEnd } from './data-end.ts';
import { SinkConnection, type SinkHost } from './sink-connection.ts';
import type { SinkPhase, SinkScript } from './sink-script.ts';
import { waitFor } from './wait-for.ts';

export interface CaptureSinkOptions {
  port?: number;
  /** Ends DATA at every form a careless server would; default false. */
  lenient?: boolean;
  /** Keeps the octets of each message; default true. */
  keepRaw?: boolean;
  /** Misbehaviour, asked at each phase. */
  script?: SinkScript;
  /** What EHLO announces besides STARTTLS. */
  extensions?: readonly string[];
  tls?: { cert: Buffer; key: Buffer };
  /** Milliseconds between two reads of a connection, for a slow upstream. */
  readPause?: number;
  /** Milliseconds before each dot is answered. */
  dotDelay?: number;
}

export interface CaptureSink extends AsyncDisposable {
  readonly port: number;
  /** All it has answered 250 to, oldest first. */
  readonly mails: readonly CapturedMail[];
  /** Connections so far, and those open now. */
  readonly connections: { total: number; open: number };
  /** How often a peer vanished with data half sent, or with its dot unanswered. */
  readonly cutOffs: { data: number; dot: number };
  /** Sets the misbehaviour from now on; undefined for none. */
  behave(script: SinkScript | undefined): void;
  /** Sets the pause before each dot is answered. */
  slow(dotDelay: number): void;
  received(count: number, timeout?: number): Promise<readonly CapturedMail[]>;
  /** Drops all connections that are open now. */
  cutAll(): void;
  stop(): Promise<void>;
}

const defaultExtensions = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'SIZE 0', 'DSN', 'ENHANCEDSTATUSCODES'];

/** An SMTP server in this process that takes everything and remembers it. */
export const startCaptureSink = async (options: CaptureSinkOptions = {}): Promise<CaptureSink> => {
  const mails: CapturedMail[] = [];
  const connections = { total: 0, open: 0 };
  const cutOffs = { data: 0, dot: 0 };
  const reached = new Map<SinkPhase, number>();
  const sockets = new Set<Socket>();
  let script = options.script;
  let dotDelay = options.dotDelay ?? 0;
  const host: SinkHost = {
    extensions: options.extensions ?? defaultExtensions,
    tls: options.tls,
    findEnd: options.lenient ? lenientDataEnd : strictDataEnd,
    keepRaw: options.keepRaw ?? true,
    readPause: options.readPause ?? 0,
    ask: (question) => {
      if (script === undefined) {
        return dotDelay > 0 && question.phase === 'dot' ? { delay: dotDelay } : undefined;
      }
      const earlier = reached.get(question.phase) ?? 0;
      reached.set(question.phase, earlier + 1);
      return (
        script({ ...question, earlier }) ?? (dotDelay > 0 && question.phase === 'dot' ? { delay: dotDelay } : undefined)
      );
    },
    took: (mail) => mails.push(mail),
    cutOff: (phase) => {
      cutOffs[phase] += 1;
    },
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    connections.open += 1;
    const number = connections.total;
    connections.total += 1;
    socket.once('close', () => {
      sockets.delete(socket);
      connections.open -= 1;
    });
    new SinkConnection(socket, host, number);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', 1_000, resolve);
  });
  const bound = server.address();
  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const stop = async () => {
    cutAll();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : 0,
    mails,
    connections,
    cutOffs,
    behave: (next) => {
      script = next;
      reached.clear();
    },
    slow: (milliseconds) => {
      dotDelay = milliseconds;
    },
    received: async (count, timeout = 20_000) => {
      await waitFor(`${count} messages at the sink`, () => mails.length >= count, {
        timeout,
        detail: () => `it has ${mails.length}`,
      });
      return mails;
    },
    cutAll,
    stop,
    [Symbol.asyncDispose]: stop,
  };
};
