import { startCountingSink } from '../load/counting-sink.ts';
import { nextRun, runLoad } from '../load/run-load.ts';
import { countFlushes } from '../measure/flushes.ts';
import type { Relay } from '../relays/relay.ts';
import { allRelayed, type LoadShape } from './throughput.ts';

/** Flushes to disk a message, accepted and relayed. Tracing slows the relay, so nothing else is measured. */
export const flushesPerMessage = async (relay: Relay, shape: LoadShape, messages: number, folder: string) => {
  await using sink = await startCountingSink(folder);
  const running = await relay.start({ folder, upstream: sink.port, sending: true, startTls: shape.startTls });
  try {
    const { connections, size, startTls } = shape;
    const load = { port: running.port, connections, size, keepAlive: true, startTls, login: running.login };
    await runLoad({ ...load, messages: shape.connections, run: nextRun() });
    await allRelayed(sink, shape.connections);
    await using count = await countFlushes(running.pids, folder);
    await runLoad({ ...load, messages, run: nextRun() });
    await allRelayed(sink, shape.connections + messages);
    return (await count.finish()) / messages;
  } finally {
    await running.stop();
  }
};
