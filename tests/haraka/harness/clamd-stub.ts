import { createServer, type Socket } from 'node:net';

export interface Stub extends AsyncDisposable {
  readonly port: number;
}

/** Starts a TCP server on a free port of loopback; `serve` is given each connection. */
export const startStub = async (serve: (socket: Socket) => void): Promise<Stub> => {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    serve(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : 0,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
};

/** `clamav: NAME` in a message is found as NAME; `clamav: error` is the daemon's own trouble. */
const verdict = (message: string): string => {
  const name = /clamav: (\S+)/.exec(message)?.[1];
  if (name === 'error') return 'stream: Allocation failed ERROR';
  return name === undefined ? 'stream: OK' : `stream: ${name} FOUND`;
};

/** Speaks clamd's INSTREAM: chunks with a length in front of each, ended by an empty one (clamd(8)). */
export const startClamdStub = (): Promise<Stub> =>
  startStub((socket) => {
    let input = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      input = Buffer.concat([input, chunk]);
      const end = input.findIndex((octet) => octet === 0 || octet === 0x0a);
      if (end < 0) return;
      let at = end + 1;
      let message = '';
      while (input.length >= at + 4) {
        const length = input.readUInt32BE(at);
        if (length === 0) {
          socket.end(`${verdict(message)}\0`);
          return;
        }
        if (input.length < at + 4 + length) return;
        message += input.toString('latin1', at + 4, at + 4 + length);
        at += 4 + length;
      }
    });
  });
