import { startCountingSink } from '../load/counting-sink.ts';
import { nextRun, runLoad } from '../load/run-load.ts';
import type { SluiceRelay } from '../relays/relay.ts';
import { allRelayed, type LoadShape } from './throughput.ts';

export interface WaitingResult {
  waiting: number;
  /** Seconds from the start of the process until it greets and its API is ready. */
  start: number;
  /** Messages accepted a second with that queue, and with an empty one. */
  accept: number;
  acceptEmpty: number;
}

/** Starts Sluice on an empty queue and measures, then on one of messages that are due in some hours. */
export const waitingMessages = async (relay: SluiceRelay, shape: LoadShape, folder: string): Promise<WaitingResult> => {
  await using sink = await startCountingSink(folder);
  const { connections, size, startTls } = shape;
  const running = await relay.start({ folder, upstream: sink.port, sending: true, startTls });
  try {
    const load = { port: running.port, connections, size, startTls, keepAlive: true, login: running.login };
    let relayed = 0;
    const accept = async (): Promise<number> => {
      const ofWhole = (count: number) => Math.max(connections, Math.ceil(count * relay.share));
      let rate = Number.NaN;
      for (const count of [ofWhole(shape.warmUp), ofWhole(shape.messages)]) {
        const { elapsed } = await runLoad({ ...load, messages: count, run: nextRun() });
        relayed += count;
        await allRelayed(sink, relayed);
        rate = (count / elapsed) * 1_000;
      }
      return rate;
    };
    const acceptEmpty = await accept();
    await running.end();
    await running.seed(relay.waiting);
    const started = performance.now();
    await running.startAgain();
    const start = (performance.now() - started) / 1_000;
    return { waiting: relay.waiting, start, accept: await accept(), acceptEmpty };
  } finally {
    await running.stop();
  }
};
