import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { noOverlay } from '../../../core/config/plugin-overlay.ts';
import { createLog } from '../../../core/observability/log.ts';
import { startObservabilityServer } from '../../../core/observability/observability-server.ts';
import type { Readiness } from '../../../core/observability/readiness.ts';
import { SummedMetrics } from '../../../core/observability/summed-metrics.ts';
import { loadCertificate } from '../../../core/smtp/certificate.ts';
import { Closing } from '../../closing.ts';
import type { RunningProcess, StartOptions } from '../../running-process.ts';
import { ChildProcesses } from './child-processes.ts';

/** A process that does not answer so long is not waited for; of metrics the last is shown that it said. Milliseconds. */
const patience = { answer: 2_000, reload: 60_000 };

/**
 * The process that has several others take mail on the listeners of one machine. It judges none itself: it counts their
 * connections, so that limits hold for all together, starts again what ends, and answers for all of them. Throws why
 * the first one could not start.
 */
export async function startPrimary({ loaded, readAgain }: StartOptions, count: number): Promise<RunningProcess> {
  process.umask(0o077);
  const { config } = loaded;
  const log = createLog({ level: config.log.level, name: 'sluice smtp' });
  const closing = new Closing();
  // Made once, before several look for it.
  await mkdir(config.data_dir, { recursive: true });
  await loadCertificate({
    ...config.smtp.tls,
    dataDirectory: config.data_dir,
    hostname: config.hostname ?? hostname(),
  });

  const children = new ChildProcesses({ count, config, log, lost: ({ number }) => metrics.lost(number) });
  const numbers = () => ({ wanted: count, running: children.takingMail.length });
  const metrics = new SummedMetrics({
    ask: () =>
      new Map(
        children.takingMail.map(({ number, primary }) => [number, primary.ask('metrics', null, patience.answer)]),
      ),
    processes: numbers,
    log,
  });
  const observability = await startObservabilityServer({
    ...config.observability,
    metrics,
    readiness: async () => ({ ...(await readinessOfAll(children)), processes: numbers() }),
    log,
  });
  closing.add('observability', () => observability.close());
  closing.add('processes', () => children.stop());
  try {
    const started = await children.start();
    return {
      ...started,
      roles: ['smtp'],
      api: null,
      controlSocket: null,
      observability: observability.url,
      failed: new Promise<never>(() => {}),
      stop: () => closing.close(),
      async reload() {
        // Of a file that cannot be used nothing is taken by anybody.
        await readAgain(noOverlay);
        const errors: unknown[] = [];
        // One after the other: the first makes a version of what changed, the others find that it is in force.
        for (const { primary } of children.takingMail) {
          await primary.ask('reload', null, patience.reload).catch((error: unknown) => errors.push(error));
        }
        if (errors.length > 0) throw errors[0];
      },
    };
  } catch (error) {
    await closing.close().catch((cause: Error) => process.emitWarning(cause));
    throw error;
  }
}

/** Mail is taken while one process takes it; one that says why it cannot answers for its share of the clients. */
async function readinessOfAll(children: ChildProcesses): Promise<Readiness> {
  const asked = children.takingMail.map(async ({ pid, primary }) => {
    const answer = await primary.ask('readiness', null, patience.answer).catch(() => null);
    return answer === null ? [] : [{ pid, ...answer }];
  });
  const answers = (await Promise.all(asked)).flat();
  const store = answers.some((answer) => answer.store === 'down') ? 'down' : 'up';
  const unwell = answers.find(({ reason }) => reason !== null);
  if (unwell !== undefined) return { store, reason: `process ${unwell.pid}: ${unwell.reason}` };
  if (answers.length > 0) return { store, reason: null };
  return { store: 'down', reason: asked.length === 0 ? 'no process takes mail yet' : 'no process answers' };
}
