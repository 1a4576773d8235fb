import { createServer, type Socket } from 'node:net';
import { BSON, type Document } from 'mongodb';

/** A server that speaks just enough of MongoDB's protocol to say what it is; for what no server at hand says. */
export interface FakeMongodb extends AsyncDisposable {
  readonly uri: string;
  stop(): Promise<void>;
}

const opReply = 1;
const opQuery = 2004;
const opMessage = 2013;
const headerLength = 16;

const packet = (requestId: number, opCode: number, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(headerLength);
  header.writeInt32LE(headerLength + body.length, 0);
  header.writeInt32LE(requestId, 8);
  header.writeInt32LE(opCode, 12);
  return Buffer.concat([header, body]);
};

/** The command in a request, and its answer as the client expects it. */
const answerTo = (request: Buffer, answers: (command: string) => Document): Buffer => {
  const [requestId, opCode] = [request.readInt32LE(4), request.readInt32LE(12)];
  if (opCode === opQuery) {
    const documentAt = request.indexOf(0, headerLength + 4) + 9;
    const command = Object.keys(BSON.deserialize(request.subarray(documentAt)))[0] ?? '';
    const head = Buffer.alloc(20);
    head.writeInt32LE(1, 16);
    return packet(requestId, opReply, head, Buffer.from(BSON.serialize(answers(command))));
  }
  const command = Object.keys(BSON.deserialize(request.subarray(headerLength + 5)))[0] ?? '';
  return packet(requestId, opMessage, Buffer.alloc(5), Buffer.from(BSON.serialize(answers(command))));
};

/** `buildInfo` is its answer to that command; `wireVersion` the newest protocol it claims to speak. */
export const startFakeMongodb = async (options: { buildInfo: Document; wireVersion: number }): Promise<FakeMongodb> => {
  const hello = {
    ok: 1,
    isWritablePrimary: true,
    ismaster: true,
    minWireVersion: 0,
    maxWireVersion: options.wireVersion,
  };
  const limits = { maxBsonObjectSize: 16_777_216, maxMessageSizeBytes: 48_000_000, maxWriteBatchSize: 100_000 };
  const answers = (command: string): Document =>
    command === 'buildInfo' ? { ...options.buildInfo, ok: 1 } : { ...hello, ...limits };
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    let waiting = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      waiting = Buffer.concat([waiting, chunk]);
      while (waiting.length >= 4 && waiting.length >= waiting.readInt32LE(0)) {
        const length = waiting.readInt32LE(0);
        socket.write(answerTo(waiting.subarray(0, length), answers));
        waiting = waiting.subarray(length);
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const stop = async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  };
  return { uri: `mongodb://127.0.0.1:${port}/`, stop, [Symbol.asyncDispose]: stop };
};
