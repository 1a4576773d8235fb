import { connect, createServer, type Socket } from 'node:net';

/** What happens to a connection through the proxy; counts are octets from client to server unless told otherwise. */
export interface ProxyFault {
  /** Close both sides at once, before anything is passed on. */
  refuse?: boolean;
  /** Close both sides after so many octets of the client have been passed on. */
  cutAfter?: number;
  /** Close both sides after so many octets of the server have been passed on. */
  cutReplyAfter?: number;
  /** Pass nothing more on, in either direction, after so many octets of the client. */
  stallAfter?: number;
  /** Milliseconds by which each piece is held back, in both directions. */
  delay?: number;
  /** Octets a second of the client that are passed on. */
  rate?: number;
}

export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections since the start. */
  readonly connections: number;
  /** The fault of each connection made from now on; undefined for none. */
  inject(fault: ProxyFault | undefined): void;
  /** Closes all that is open now. */
  cutAll(): void;
  stop(): Promise<void>;
}

interface Way {
  from: Socket;
  to: Socket;
  /** Shared by both ways of a connection. */
  state: { stalled: boolean };
  cutAfter: number;
  stallAfter: number;
  delay: number;
  rate: number;
}

const pass = (way: Way, cut: () => void): void => {
  let passed = 0;
  let last = Promise.resolve();
  const forward = (chunk: Buffer) => {
    if (way.state.stalled) return;
    const room = Math.min(way.cutAfter, way.stallAfter) - passed;
    const piece = chunk.length > room ? chunk.subarray(0, room) : chunk;
    passed += piece.length;
    if (passed >= way.stallAfter) way.state.stalled = true;
    if (!way.to.destroyed) way.to.write(piece);
    // The octets written so far still reach the peer before the connection goes.
    if (passed >= way.cutAfter) way.to.end(cut);
  };
  way.from.on('data', (chunk: Buffer) => {
    const pause = way.delay + (Number.isFinite(way.rate) ? (chunk.length / way.rate) * 1_000 : 0);
    if (pause === 0) {
      forward(chunk);
      return;
    }
    way.from.pause();
    last = last.then(
      () =>
        new Promise((resolve) => {
          setTimeout(() => {
            forward(chunk);
            way.from.resume();
            resolve();
          }, pause);
        }),
    );
  });
  way.from.on('end', () => void last.then(() => way.to.end()));
  way.from.on('error', () => way.to.destroy());
  way.from.on('close', () => void last.then(() => way.to.destroySoon()));
};

/** A TCP proxy on a free loopback port in front of `target`, to break connections at a chosen octet. */
export const startFaultProxy = async (target: { port: number; host?: string }): Promise<FaultProxy> => {
  const open = new Set<Socket>();
  let connections = 0;
  let fault: ProxyFault | undefined;
  const cutAll = () => {
    for (const socket of open) socket.destroy();
  };
  const server = createServer((client) => {
    connections += 1;
    const now = fault ?? {};
    if (now.refuse) {
      client.destroy();
      return;
    }
    const upstream = connect({ port: target.port, host: target.host ?? '127.0.0.1' });
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      open.add(socket);
      socket.once('close', () => open.delete(socket));
    }
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    const shared = { state: { stalled: false }, delay: now.delay ?? 0 };
    pass(
      {
        ...shared,
        from: client,
        to: upstream,
        cutAfter: now.cutAfter ?? Infinity,
        stallAfter: now.stallAfter ?? Infinity,
        rate: now.rate ?? Infinity,
      },
      cut,
    );
    const back = { from: upstream, to: client, cutAfter: now.cutReplyAfter ?? Infinity };
    pass({ ...shared, ...back, stallAfter: Infinity, rate: Infinity }, cut);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const bound = server.address();
  const stop = async () => {
    cutAll();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : 0,
    get connections() {
      return connections;
    },
    inject: (next) => {
      fault = next;
    },
    cutAll,
    stop,
    [Symbol.asyncDispose]: stop,
  };
};
