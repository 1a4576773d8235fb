import type { Socket } from 'node:net';
import { longestProxyHeader, type ProxiedConnection, readProxyHeader } from './proxy-header.ts';

/**
 * Reads the PROXY header that a listed peer has to send first. What follows it stays in the socket. A peer that sends
 * anything else is cut off without a word: nothing it could read would be of use to a client behind it.
 */
export function awaitProxyHeader(
  socket: Socket,
  done: (error: Error | null, connection: ProxiedConnection | null) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0);
  const finish = (error: Error | null, connection: ProxiedConnection | null): void => {
    socket.removeListener('readable', read);
    socket.removeListener('end', ended);
    socket.removeListener('close', ended);
    if (error === null) {
      socket.removeListener('error', failed);
    } else {
      socket.destroy();
    }
    done(error, connection);
  };
  const read = (): void => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
      bytes = Buffer.concat([bytes, chunk]);
      const header = readProxyHeader(bytes);
      if (header.status === 'done') {
        const rest = bytes.subarray(header.length);
        if (rest.length > 0) socket.unshift(rest);
        finish(null, header.connection);
        return;
      }
      if (header.status === 'invalid' || bytes.length > longestProxyHeader) {
        finish(new Error('a peer listed in proxy_protocol sent no valid PROXY header'), null);
        return;
      }
    }
  };
  const ended = (): void => finish(new Error('a peer listed in proxy_protocol left before its PROXY header'), null);
  const failed = (): void => {};
  socket.on('error', failed);
  socket.on('readable', read);
  socket.on('end', ended);
  socket.on('close', ended);
}
