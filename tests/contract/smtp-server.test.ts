import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import { SMTPServer } from 'smtp-server/lib/smtp-server.js';
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';
import { afterEach, describe, expect, it } from 'vitest';
import { makeSelfSigned } from '../../core/smtp/self-signed.ts';

/*
 * core/smtp builds on methods of smtp-server that are none of its public interface. Each is held to here; when one of
 * these tests fails after an update, core/smtp/connection.ts and listener.ts have to be read again.
 */

const pinned = '3.21.6';
const servers: SMTPServer[] = [];
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.server.close();
});

type ServerOptions = ConstructorParameters<typeof SMTPServer>[0];

/** A server whose connections are made by `make`. */
async function serve(
  make: (server: SMTPServer, socket: Socket, options: object | null | undefined) => SMTPConnection,
  options: ServerOptions = {},
): Promise<{ port: number; connections: SMTPConnection[]; server: SMTPServer }> {
  const connections: SMTPConnection[] = [];
  class TestServer extends SMTPServer {
    override connect(socket: Socket, given?: object | null): void {
      const connection = make(this, socket, given);
      connections.push(connection);
      this.connections.add(connection);
      connection.on('error', () => {});
      connection.init();
    }
    override onSecure(_socket: Socket, _session: unknown, callback: () => void): void {
      callback();
    }
  }
  const pair = await makeSelfSigned('localhost');
  const server = new TestServer({ ...pair, logger: false, disableReverseLookup: true, ...options });
  server.on('error', () => {});
  servers.push(server);
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
  const address = server.server.address();
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, connections, server };
}

function open(port: number): { socket: Socket; heard: () => string } {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  let text = '';
  socket.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  socket.on('error', () => {});
  return { socket, heard: () => text };
}

/** Greets as ours does, and remembers what the base class calls. */
class Recording extends SMTPConnection {
  readonly calls: string[] = [];
  lines: string[] = [];
  override init(): void {
    this._setListeners(() => {
      this.calls.push('listeners set');
      this._ready = true;
      this._socket.write('220 hello\r\n');
    });
  }
  override _onCommand(command: Buffer, callback?: () => void): void {
    this.lines.push(command.toString());
    callback?.();
  }
  override _armTimeout(socket: Socket = this._socket): void {
    this.calls.push(`arm ${socket === this._socket ? 'own' : 'next'} socket`);
  }
  override _resetSession(): void {
    this.calls.push('reset');
  }
  override _onClose(): void {
    super._onClose();
    this.calls.push('closed');
  }
}

const record = (server: SMTPServer, socket: Socket, options?: object | null) => new Recording(server, socket, options);

it(`is pinned to ${pinned}, and imported in one flavour`, () => {
  const { version } = JSON.parse(
    readFileSync(new URL('../../node_modules/smtp-server/package.json', import.meta.url), 'utf8'),
  );
  const own = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(version).toBe(pinned);
  expect(own.dependencies['smtp-server']).toBe(pinned);
  expect(import.meta.resolve('smtp-server/lib/smtp-connection.js')).toContain('/dist/esm/');
});

describe('SMTPConnection', () => {
  it('has what we override, and calls each from where we think', () => {
    for (const name of [
      'init',
      'connectionReady',
      'send',
      'close',
      '_createParser',
      '_resetSession',
      '_armTimeout',
      '_onError',
      '_onClose',
      '_setListeners',
      '_whenWritable',
      '_getEnhancedStatusCode',
      'upgrade',
    ] as const) {
      expect(typeof SMTPConnection.prototype[name], name).toBe('function');
    }
  });

  it('makes its parser in its constructor, before a subclass has its fields', async () => {
    const seen: (string | undefined)[] = [];
    class Early extends Recording {
      readonly field: string = 'set';
      override _createParser(): SMTPStream {
        seen.push(this.field);
        return super._createParser();
      }
    }
    const { port, connections } = await serve((server, socket, options) => new Early(server, socket, options));
    open(port);
    await expect.poll(() => connections.length).toBe(1);
    expect(seen).toEqual([undefined]);
  });

  it('sets TCP_NODELAY, arms its timeout by _armTimeout and pipes the socket into the parser', async () => {
    const { port, connections } = await serve(record);
    const { socket, heard } = open(port);
    await expect.poll(heard).toBe('220 hello\r\n');
    socket.write('NOOP\r\n');
    await expect.poll(() => (connections[0] as Recording).lines).toEqual(['NOOP']);
    expect((connections[0] as Recording).calls).toEqual(['arm own socket', 'listeners set']);
  });

  it('tells _onClose when the client is gone, and leaves the set of connections', async () => {
    const { port, connections, server } = await serve(record);
    const { socket, heard } = open(port);
    await expect.poll(heard).not.toBe('');
    socket.destroy();
    await expect.poll(() => (connections[0] as Recording).calls).toContain('closed');
    expect(server.connections.size).toBe(0);
  });

  it('close stops the parser at once and half-closes; a client that stays is cut off', async () => {
    const { port, connections } = await serve(record);
    const { socket, heard } = open(port);
    await expect.poll(heard).not.toBe('');
    const connection = connections[0] as Recording;
    const parser = connection._parser;
    connection.close();
    expect(parser !== false && parser.isClosed).toBe(true);
    expect(connection._closing).toBe(true);
    socket.write('NOOP\r\n');
    await expect.poll(() => socket.readableEnded || socket.destroyed).toBe(true);
    expect(connection.lines).toEqual([]);
    expect(connection._closeTimer).toBeDefined();
  });

  it('waits in _whenWritable until the client has read', async () => {
    const { port, connections } = await serve(record);
    const { socket, heard } = open(port);
    await expect.poll(heard).not.toBe('');
    const connection = connections[0] as Recording;
    let resumed = 0;
    connection._whenWritable(() => void resumed++);
    expect(resumed).toBe(1);
    socket.pause();
    while (connection._socket.write(Buffer.alloc(1_000_000)));
    connection._whenWritable(() => void resumed++);
    expect(resumed).toBe(1);
    socket.resume();
    await expect.poll(() => resumed).toBe(2);
  });
});

describe('upgrade', () => {
  it('retires the parser, arms the TLS socket, resets, then calls back; what came in clear is dropped', async () => {
    class Upgrading extends Recording {
      override _onCommand(command: Buffer, callback?: () => void): void {
        super._onCommand(command, callback);
        if (command.toString() !== 'STARTTLS') return;
        const before = this._parser;
        this._socket.write('220 go\r\n');
        this.upgrade(
          () => {},
          () => this.calls.push(`secure ${this.secure} ${this._upgrading}`),
        );
        this.calls.push(
          `parser ${before !== false && before.isClosed} ${before !== this._parser} upgrading ${this._upgrading}`,
        );
      }
    }
    const { port, connections } = await serve((server, socket, options) => new Upgrading(server, socket, options));
    const { socket, heard } = open(port);
    await expect.poll(heard).not.toBe('');
    socket.write('STARTTLS\r\nINJECTED\r\n');
    await expect.poll(heard).toContain('220 go\r\n');
    socket.removeAllListeners('data');
    const secure = connectTls({ socket, rejectUnauthorized: false });
    sockets.push(secure);
    await new Promise<void>((resolve, reject) => {
      secure.once('secureConnect', resolve);
      secure.once('error', reject);
    });
    secure.write('INSIDE\r\n');
    const connection = connections[0] as Upgrading;
    await expect.poll(() => connection.lines).toContain('INSIDE');
    expect(connection.lines).toEqual(['STARTTLS', 'INSIDE']);
    expect(connection.calls).toEqual([
      'arm own socket',
      'listeners set',
      'arm next socket',
      'parser true true upgrading true',
      'reset',
      'secure true false',
    ]);
  });
});

describe('upgrade, of its server,', () => {
  it('reads context, names and demands before it returns, and nothing of the server that stands there later', async () => {
    const pair = await makeSelfSigned('view.example');
    const done: string[] = [];
    class Upgrading extends Recording {
      override _onCommand(command: Buffer, callback?: () => void): void {
        super._onCommand(command, callback);
        if (command.toString() !== 'STARTTLS') return;
        const server = this._server;
        this._socket.write('220 go\r\n');
        this._server = Object.create(server, {
          secureContext: { value: new Map([['*', createSecureContext({ ...pair, ca: pair.cert })]]) },
          options: { value: { requestCert: true, rejectUnauthorized: true } },
          _resolveSNI: {
            value: (name: string, next: (error: null) => void) => {
              done.push(name);
              next(null);
            },
          },
        });
        this.upgrade(
          () => {},
          () => done.push(this._socket instanceof TLSSocket && this._socket.authorized ? 'authorized' : 'stranger'),
        );
        this._server = server;
      }
    }
    const { port } = await serve((server, socket, options) => new Upgrading(server, socket, options));
    const { socket, heard } = open(port);
    await expect.poll(heard).not.toBe('');
    socket.write('STARTTLS\r\n');
    await expect.poll(heard).toContain('220 go\r\n');
    socket.removeAllListeners('data');
    const secure = connectTls({ socket, rejectUnauthorized: false, servername: 'asked.example', ...pair });
    sockets.push(secure);
    await new Promise<void>((resolve, reject) => {
      secure.once('secureConnect', resolve);
      secure.once('error', reject);
    });
    expect(secure.getPeerCertificate().subject.CN).toBe('view.example');
    await expect.poll(() => done).toEqual(['asked.example', 'authorized']);
  });
});

describe('SMTPStream', () => {
  it('shows by `writableBuffer` of Node what was written behind the chunk that is being read', () => {
    const parser = new SMTPStream();
    parser._write = () => {};
    for (const text of ['under way', 'next', 'last']) parser.write(text);
    const { writableBuffer } = parser as unknown as { writableBuffer: readonly { readonly chunk: Buffer }[] };
    expect(writableBuffer.map(({ chunk }) => chunk.toString())).toEqual(['next', 'last']);
  });

  it('calls nothing but _write and, at the end, _flushData, which is silent without a remainder', async () => {
    const seen: string[] = [];
    class Own extends SMTPStream {
      override _write(chunk: Buffer, _encoding: string, next: () => void): void {
        seen.push(chunk.toString());
        next();
      }
      override oncommand(): void {
        seen.push('command');
      }
    }
    const stream = new Own();
    stream.write('NOOP\r\nRS');
    await new Promise<void>((resolve) => stream.end(resolve));
    expect(seen).toEqual(['NOOP\r\nRS']);
    expect(stream.isClosed).toBe(false);
  });
});

describe('SMTPServer', () => {
  it('hands a socket from _acceptSocket through _handleProxy to connect, with the options of the second', async () => {
    const seen: unknown[] = [];
    class Own extends SMTPServer {
      override _acceptSocket(socket: Socket, handshake: boolean): false | (() => void) {
        seen.push(`accept ${handshake}`);
        const release = super._acceptSocket(socket, handshake);
        if (release === false) return false;
        return () => {
          seen.push('release');
          release();
        };
      }
      override _handleProxy(_socket: Socket, callback: Parameters<SMTPServer['_handleProxy']>[1]): void {
        seen.push('proxy');
        callback(null, { id: 'known' });
      }
      override connect(socket: Socket, options?: object | null): void {
        seen.push(options);
        socket.destroy();
      }
    }
    const server = new Own({ ...(await makeSelfSigned('localhost')), logger: false });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
    const address = server.server.address();
    open(typeof address === 'object' ? (address?.port ?? 0) : 0);
    await expect.poll(() => seen).toEqual(['accept false', 'proxy', 'release', { id: 'known' }]);
  });

  it('counts unfinished handshakes in _pendingSockets, by the raw socket, with the one to destroy as value', async () => {
    const { port, server } = await serve(record, { secure: true });
    const { socket } = open(port);
    await expect.poll(() => server._pendingSockets.size).toBe(1);
    for (const top of server._pendingSockets.values()) top.destroy();
    await expect.poll(() => socket.destroyed).toBe(true);
    await expect.poll(() => server._pendingSockets.size).toBe(0);
  });

  it('updateSecureContext serves new handshakes, keeps running ones, and takes minVersion', async () => {
    const { port, server } = await serve(record, { secure: true, minVersion: 'TLSv1.3' });
    const shake = (options: object = {}) =>
      new Promise<string>((resolve) => {
        const socket = connectTls({ port, rejectUnauthorized: false, ...options }, () =>
          resolve(socket.getPeerCertificate().fingerprint256),
        );
        sockets.push(socket);
        socket.once('error', () => resolve('refused'));
      });
    const before = await shake();
    server.updateSecureContext({ ...(await makeSelfSigned('localhost')) });
    expect(await shake()).not.toBe(before);
    expect(sockets[0]?.destroyed).toBe(false);
    expect(await shake({ maxVersion: 'TLSv1.2' })).toBe('refused');
  });
});
