import cluster from 'node:cluster';
import { SluiceError } from '../../../core/domain/errors.ts';
import type { RunningProcess, StartOptions } from '../../running-process.ts';
import { type Observed, startCluster } from '../start-cluster.ts';
import { Channel } from './channel.ts';
import type { ChildQuestions, PrimaryQuestions } from './questions.ts';
import { RemotePlaces } from './remote-places.ts';
import { toTell } from './told-error.ts';

/** A primary answers at once; what else may have started this process as a child of its own never does. Milliseconds. */
const patience = 10_000;

const notYet = () => new SluiceError('SERVICE_UNAVAILABLE', 'this process has not started yet');

/**
 * One of several processes that take mail on the listeners of one machine: a full member of the cluster, which asks its
 * primary for each connection's place, and tells it, and nobody else, how it is. It ends, in order, when the primary is gone.
 */
export async function startChild(options: StartOptions): Promise<RunningProcess> {
  let observed: Observed | null = null;
  let running: RunningProcess | null = null;
  const end = {
    send: (message: object) => void process.send?.(message, undefined, undefined, () => {}),
    listen: (hear: (message: unknown) => void) => void process.on('message', hear),
  };
  const primary = new Channel<ChildQuestions, PrimaryQuestions>(end, {
    metrics: () => {
      if (observed === null) throw notYet();
      return observed.metrics.values();
    },
    readiness: () => {
      if (observed === null) throw notYet();
      return observed.readiness();
    },
    reload: async () => {
      if (running === null) throw notYet();
      await running.reload();
    },
  });
  const orphaned = Promise.withResolvers<never>();
  orphaned.promise.catch(() => {});
  cluster.worker?.once('disconnect', () => {
    primary.close();
    // Else Node ends this process here and now, with what is on its way; one that takes no mail yet may go so.
    if (cluster.worker !== undefined && running !== null) cluster.worker.exitedAfterDisconnect = true;
    orphaned.reject(new SluiceError('INTERNAL', 'the process that started this one ended'));
  });
  const config = await primary.ask('config', null, patience).catch((cause: Error) => {
    const text = 'it runs as a child of something else than Sluice; several processes are started by smtp.processes';
    throw new SluiceError('MODE_UNSUPPORTED', text, { cause });
  });
  // What changed in the file since the primary read it needs a restart of all; plugins are read again in any case.
  const loaded = { ...options.loaded, config: { ...config, plugins: options.loaded.config.plugins } };
  try {
    running = await startCluster(
      ['smtp'],
      { ...options, loaded },
      {
        counts: new RemotePlaces(primary),
        observe: (parts) => {
          observed = parts;
        },
      },
    );
  } catch (error) {
    await primary.ask('failed', toTell(error));
    // The primary says why to people, and ends this process.
    return orphaned.promise;
  }
  const { listeners, upstreams, capture } = running;
  await primary.ask('started', { listeners, upstreams, capture });
  return { ...running, failed: orphaned.promise };
}
