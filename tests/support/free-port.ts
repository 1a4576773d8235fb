import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';

/*
 * A port is chosen here and listened on by another process a moment later. The kernel hands out ports of its ephemeral
 * range to whoever asks in between, so these come from below it, from a slice that is this process's own: whoever listens
 * on the first port of a slice has the others. The slice is free again when the process is gone, however it ended.
 */
const sliceSize = 100;
const lowest = 12_000;

/** Where the ports begin that the kernel gives away itself; as Linux has it where it cannot be read. */
const firstEphemeral = (): number => {
  try {
    return Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10);
  } catch {
    return 32_768;
  }
};

const listen = (port: number): Promise<Server | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server));
  });

const isFree = async (port: number): Promise<boolean> => {
  const server = await listen(port);
  if (server === undefined) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
};

/** The first port of a slice that nobody had; it stays listened on for as long as this process lives. */
const takeSlice = async (): Promise<number> => {
  const slices = Math.floor((firstEphemeral() - lowest) / sliceSize);
  for (let tried = 0; tried < slices; tried += 1) {
    const first = lowest + ((process.pid + tried) % slices) * sliceSize;
    const held = await listen(first);
    if (held === undefined) continue;
    held.unref();
    return first;
  }
  throw new Error(`no slice of ports is free between ${lowest} and ${lowest + slices * sliceSize}`);
};

let slice = { first: 0, given: sliceSize };

const nextPort = async (): Promise<number> => {
  for (;;) {
    if (slice.given + 1 >= sliceSize) slice = { first: await takeSlice(), given: 0 };
    slice.given += 1;
    const port = slice.first + slice.given;
    if (await isFree(port)) return port;
  }
};

let last: Promise<unknown> = Promise.resolve();

/** A TCP port of 127.0.0.1 on which nobody listens; no process of the tests is given the same one while this one lives. */
export const freePort = (): Promise<number> => {
  const port = last.then(nextPort);
  last = port.catch(() => undefined);
  return port;
};

/** Several ports at once, all different. */
export const freePorts = (count: number): Promise<number[]> =>
  Promise.all(Array.from({ length: count }, () => freePort()));
