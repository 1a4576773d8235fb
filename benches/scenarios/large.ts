import { writeFileSync } from 'node:fs';
import { startCountingSink } from '../load/counting-sink.ts';
import { nextRun, runLoad } from '../load/run-load.ts';
import { processTree, residentMemory } from '../measure/process-tree.ts';
import type { SluiceRelay } from '../relays/relay.ts';
import { allRelayed, type LoadShape } from './throughput.ts';

export interface LargeResult {
  messages: number;
  /** Octets of each. */
  size: number;
  /** MB by which resident memory grew at its highest. */
  growth: number;
  /** Seconds until the sink had them all. */
  seconds: number;
}

/** proc(5): makes VmHWM start again from what is resident now. */
const resetHighest = (roots: readonly number[]): void => {
  for (const pid of processTree(...roots)) writeFileSync(`/proc/${pid}/clear_refs`, '5');
};

/** Large messages at once, each on a connection of its own, accepted and relayed. */
export const largeMessages = async (relay: SluiceRelay, shape: LoadShape, folder: string): Promise<LargeResult> => {
  const messages = relay.large;
  const size = 25_000_000;
  await using sink = await startCountingSink(folder);
  const running = await relay.start({ folder, upstream: sink.port, sending: true, startTls: shape.startTls });
  try {
    const load = { port: running.port, keepAlive: true, startTls: shape.startTls, login: running.login };
    const { connections } = shape;
    const warmUp = Math.max(connections, Math.ceil(shape.warmUp * relay.share));
    await runLoad({ ...load, messages: warmUp, connections, size: shape.size, run: nextRun() });
    await allRelayed(sink, warmUp);
    resetHighest(running.pids);
    const before = residentMemory(...running.pids).now;
    const started = Date.now();
    await runLoad({ ...load, messages, connections: messages, size, run: nextRun() });
    const ended = await allRelayed(sink, warmUp + messages);
    const growth = residentMemory(...running.pids).highest - before;
    return { messages, size, growth, seconds: (ended - started) / 1_000 };
  } finally {
    await running.stop();
  }
};
