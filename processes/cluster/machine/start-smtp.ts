import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import type { RunningProcess, StartOptions } from '../../running-process.ts';

/**
 * Takes mail in as many processes as `smtp.processes` says. Read only where it is needed: a primary has neither plugins nor
 * a database.
 */
export async function startSmtp(options: StartOptions): Promise<RunningProcess> {
  if (cluster.isWorker) {
    const { startChild } = await import('./start-child.ts');
    return startChild(options);
  }
  const { processes } = options.loaded.config.smtp;
  const count = processes === 'auto' ? availableParallelism() : processes;
  if (count === 1) {
    const { startCluster } = await import('../start-cluster.ts');
    return startCluster(['smtp'], options);
  }
  const { startPrimary } = await import('./start-primary.ts');
  return startPrimary(options, count);
}
