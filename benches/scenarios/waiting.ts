import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createCredential, registerFirst } from '../../tests/support/api-client.ts';
import { startSluice } from '../../tests/support/process.ts';
import { startCountingSink } from '../load/counting-sink.ts';
import { nextRun, runLoad } from '../load/run-load.ts';
import { sluiceConfiguration } from '../relays/sluice-configuration.ts';
import { seedQueue } from './seed-queue.ts';
import { allRelayed, type LoadShape } from './throughput.ts';

export interface WaitingResult {
  waiting: number;
  /** Seconds from the start of the process until it greets and its API is ready. */
  start: number;
  /** Messages accepted a second with that queue, and with an empty one. */
  accept: number;
  acceptEmpty: number;
}

/** Starts Sluice on an empty queue and measures, then on one of `waiting` messages that are due in some hours. */
export const waitingMessages = async (shape: LoadShape, waiting: number, parent: string): Promise<WaitingResult> => {
  const folder = await mkdtemp(join(parent, 'waiting-'));
  await using sink = await startCountingSink(parent);
  const running = await startSluice({ folder, startTimeout: 120_000, configure: sluiceConfiguration(sink.port) });
  try {
    const { username, password } = await createCredential(await registerFirst(running.api), { name: 'bench' });
    const { connections, size, startTls } = shape;
    const load = { port: running.ports.smtp, connections, size, startTls, keepAlive: true };
    let relayed = 0;
    const accept = async (): Promise<number> => {
      for (const messages of [shape.warmUp, shape.messages]) {
        const result = await runLoad({ ...load, messages, run: nextRun(), login: { username, password } });
        relayed += messages;
        await allRelayed(sink, relayed);
        if (messages === shape.messages) return (messages / result.elapsed) * 1_000;
      }
      return Number.NaN;
    };
    const acceptEmpty = await accept();
    await running.terminate();
    await seedQueue(running.dataFolder, waiting);
    const started = performance.now();
    await running.start();
    const start = (performance.now() - started) / 1_000;
    return { waiting, start, accept: await accept(), acceptEmpty };
  } finally {
    await running.stop();
    await rm(folder, { recursive: true, force: true });
  }
};
