import { connect, createServer, type Socket } from 'node:net';
import { BSON, type Document } from 'mongodb';

/** A command on its way to the server, with the documents that travel beside it. */
export interface WireCommand {
  /** `insert`, `update`, `find`. */
  readonly name: string;
  readonly collection: string;
  readonly body: Document;
  readonly documents: readonly Document[];
}

/**
 * What happens to a command: the connection ends before the server has seen it, or after it has carried it out; nothing
 * comes back; somebody else answers; the answer is changed on its way.
 */
export type Meddling =
  | 'cut-before'
  | 'cut-after'
  | 'silence'
  | { readonly answer: Document }
  | { readonly amend: (answer: Document) => Document };

export interface MongodbProxy extends AsyncDisposable {
  readonly port: number;
  /** Asked for every command from now on; undefined lets it pass. */
  meddle(decide: (command: WireCommand) => Meddling | undefined): void;
  /** Ends all connections, and lets none in until `mend`. */
  sever(): void;
  mend(): void;
  stop(): Promise<void>;
}

const opMessage = 2013;
const headerLength = 16;

const requestIdOf = (frame: Buffer): number => frame.readInt32LE(4);
const responseToOf = (frame: Buffer): number => frame.readInt32LE(8);
const isMessage = (frame: Buffer): boolean => frame.readInt32LE(12) === opMessage;

/** Reads an OP_MSG: a body, and perhaps a sequence of documents. */
function parse(frame: Buffer): WireCommand {
  let body: Document = {};
  const documents: Document[] = [];
  for (let at = headerLength + 4; at < frame.length; ) {
    const kind = frame[at];
    at += 1;
    const length = frame.readInt32LE(at);
    if (kind === 0) {
      body = BSON.deserialize(frame.subarray(at, at + length));
    } else {
      for (let next = frame.indexOf(0, at + 4) + 1; next < at + length; ) {
        const size = frame.readInt32LE(next);
        documents.push(BSON.deserialize(frame.subarray(next, next + size)));
        next += size;
      }
    }
    at += length;
  }
  const [name = ''] = Object.keys(body);
  return { name, collection: String(body[name]), body, documents };
}

function answerTo(requestId: number, answer: Document): Buffer {
  const body = Buffer.from(BSON.serialize(answer));
  const frame = Buffer.alloc(headerLength + 5 + body.length);
  frame.writeInt32LE(frame.length, 0);
  frame.writeInt32LE(requestId, 8);
  frame.writeInt32LE(opMessage, 12);
  body.copy(frame, headerLength + 5);
  return frame;
}

/** Calls `each` with every whole frame that arrives. */
function frames(socket: Socket, each: (frame: Buffer) => void): void {
  let waiting: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
    while (waiting.length >= headerLength && waiting.length >= waiting.readInt32LE(0)) {
      const length = waiting.readInt32LE(0);
      each(waiting.subarray(0, length));
      waiting = waiting.subarray(length);
    }
  });
}

/** A proxy in front of a MongoDB on this host that knows its protocol, to meddle with single commands. */
export async function startMongodbProxy(target: { host: string; port: number }): Promise<MongodbProxy> {
  const open = new Set<Socket>();
  let decide: (command: WireCommand) => Meddling | undefined = () => undefined;
  let severed = false;
  const sever = (): void => {
    for (const socket of open) socket.destroy();
  };
  const server = createServer((client) => {
    if (severed) {
      client.destroy();
      return;
    }
    const upstream = connect(target);
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      open.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        open.delete(socket);
        cut();
      });
    }
    const meddled = new Map<number, Meddling>();
    frames(client, (frame) => {
      const meddling = isMessage(frame) ? decide(parse(frame)) : undefined;
      if (meddling === 'cut-before') return cut();
      if (typeof meddling === 'object' && 'answer' in meddling) {
        client.write(answerTo(requestIdOf(frame), meddling.answer));
        return;
      }
      if (meddling !== undefined) meddled.set(requestIdOf(frame), meddling);
      upstream.write(frame);
    });
    frames(upstream, (frame) => {
      const meddling = meddled.get(responseToOf(frame));
      if (meddling === 'silence') return;
      if (meddling === 'cut-after') return cut();
      if (typeof meddling === 'object' && 'amend' in meddling) {
        client.write(answerTo(responseToOf(frame), meddling.amend(parse(frame).body)));
      } else client.write(frame);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const bound = server.address();
  const stop = async (): Promise<void> => {
    severed = true;
    sever();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : 0,
    meddle: (next) => {
      decide = next;
    },
    sever: () => {
      severed = true;
      sever();
    },
    mend: () => {
      severed = false;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
