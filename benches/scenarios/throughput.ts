import { freePort } from '../../tests/support/free-port.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import { type CountingSink, startCountingSink } from '../load/counting-sink.ts';
import type { LoadSettings } from '../load/load-settings.ts';
import { nextRun, runLoad } from '../load/run-load.ts';
import { processorTime, proportionalMemory } from '../measure/process-tree.ts';
import type { Relay } from '../relays/relay.ts';
import type { Measurement, Scenario } from './measurement.ts';

export interface LoadShape {
  messages: number;
  /** Sent first and not counted, so that no relay is judged by its first seconds. */
  warmUp: number;
  connections: number;
  size: number;
  startTls: boolean;
}

/** Resolves with the time at which the sink had them all. */
export const allRelayed = async (sink: CountingSink, count: number): Promise<number> => {
  await waitFor(`${count} messages at the sink`, () => sink.count() >= count, {
    timeout: 300_000,
    interval: 5,
    detail: () => `it has ${sink.count()}`,
  });
  return Date.now();
};

/** Starts the relay afresh, warms it up, and measures one scenario. */
export const measure = async (
  relay: Relay,
  scenario: Scenario,
  shape: LoadShape,
  folder: string,
): Promise<Measurement> => {
  const sending = scenario.sending && relay.relays;
  await using sink = sending ? await startCountingSink(folder) : undefined;
  const upstream = sink?.port ?? (await freePort());
  const running = await relay.start({ folder, upstream, sending, startTls: shape.startTls });
  try {
    const load = (messages: number): LoadSettings => ({
      port: running.port,
      messages,
      connections: shape.connections,
      size: shape.size,
      run: nextRun(),
      keepAlive: scenario.keepAlive,
      startTls: shape.startTls,
      login: running.login,
    });
    await runLoad(load(shape.warmUp));
    if (sink !== undefined) await allRelayed(sink, shape.warmUp);
    const before = processorTime(...running.pids);
    const result = await runLoad(load(shape.messages));
    const relayedAt = sink === undefined ? undefined : await allRelayed(sink, shape.warmUp + shape.messages);
    const cpu = processorTime(...running.pids) - before;
    return {
      accept: (shape.messages / result.elapsed) * 1_000,
      relay: relayedAt === undefined ? Number.NaN : (shape.messages / (relayedAt - result.startedAt)) * 1_000,
      p50: result.p50,
      p99: result.p99,
      cpu: cpu / shape.messages,
      memory: proportionalMemory(...running.pids),
    };
  } finally {
    await running.stop();
  }
};
