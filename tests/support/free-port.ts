import { createServer } from 'node:net';

const given = new Set<number>();

/** A TCP port of 127.0.0.1 on which nobody listens now; the same one is not given twice by one process. */
export const freePort = async (): Promise<number> => {
  const port = await new Promise<number>((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
  if (port === 0 || given.has(port)) return freePort();
  given.add(port);
  return port;
};

/** Several ports at once, all different. */
export const freePorts = (count: number): Promise<number[]> =>
  Promise.all(Array.from({ length: count }, () => freePort()));
