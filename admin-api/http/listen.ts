import { lstat, rm } from 'node:fs/promises';
import type { Server as HttpServer } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import { connect } from 'node:net';
import { SluiceError } from '../../core/domain/errors.ts';

const reason = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return 'another program listens there';
  if (code === 'EACCES') return 'this user may not listen there';
  if (code === 'EADDRNOTAVAIL') return 'this machine has no such address';
  return String(code ?? 'it failed');
};

function listening(server: HttpServer, start: () => void, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) =>
      reject(new SluiceError('LISTEN_FAILED', `${what}: ${reason(error)}`, { cause: error }));
    server.once('error', failed);
    server.once('listening', () => {
      server.off('error', failed);
      resolve();
    });
    start();
  });
}

/** Answers the URL. Rejects with LISTEN_FAILED. */
export async function listenOnPort(server: HttpServer, address: string, port: number): Promise<string> {
  const what = `the API cannot listen on ${address} port ${port} (api.address, api.port)`;
  await listening(server, () => server.listen(port, address), what);
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new SluiceError('LISTEN_FAILED', what);
  const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return `${server instanceof HttpsServer ? 'https' : 'http'}://${host}:${bound.port}`;
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

/** A socket file that a killed process left behind is in the way of the next one. */
async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return;
  if (!found.isSocket()) throw new SluiceError('LISTEN_FAILED', `${path} is no socket; move it away`);
  if (await answers(path)) throw new SluiceError('LISTEN_FAILED', `another Sluice listens on ${path}`);
  await rm(path);
}

/** Listens on a socket file that only this user can open, from its first moment on. Rejects with LISTEN_FAILED. */
export async function listenOnSocket(server: HttpServer, path: string): Promise<void> {
  await removeStale(path);
  const start = () => {
    const before = process.umask(0o177);
    try {
      server.listen(path);
    } finally {
      process.umask(before);
    }
  };
  await listening(server, start, `the control socket ${path} cannot be made`);
}

/**
 * Stops accepting, lets what is in flight finish for `graceMilliseconds`, then cuts it off. Idle connections go at once.
 */
export async function closeWithin(server: HttpServer, graceMilliseconds: number): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMilliseconds);
  await closed;
  clearTimeout(timer);
}
