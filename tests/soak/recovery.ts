import { isAccepted } from '../support/cluster-journals.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Deployment } from './deployment.ts';

/** Milliseconds since the end of a fault. */
export interface Recovery {
  /** Until each SMTP server had accepted mail. */
  readonly accepted: number;
  /** Until mail that was accepted since then had been delivered. */
  readonly delivered: number;
  /** Until every process said that it is ready, too, and what else belongs to the fault had come true. */
  readonly whole: number;
}

/** After this it is given up, in milliseconds. */
const patience = 600_000;

/** Watches a deployment come back; rejects after ten minutes, or when `signal` says so. */
export async function recovery(
  { cluster, journals, sink }: Deployment,
  { ended, also, signal }: { ended: number; also: () => Promise<boolean>; signal: AbortSignal },
): Promise<Recovery> {
  let seen = 0;
  const look = async (): Promise<Omit<Recovery, 'whole'> | null> => {
    if (signal.aborted) return { accepted: 0, delivered: 0 };
    const since = (await Promise.all(journals.map((journal) => journal.entries()))).map((entries) =>
      entries.slice(-2_000).filter((entry) => isAccepted(entry) && entry.at >= ended),
    );
    const accepted = Math.max(...since.map((entries) => entries[0]?.at ?? Number.POSITIVE_INFINITY));
    const promised = new Set(since.flat().map(({ messageId }) => messageId));
    const first = sink.mails.slice(-2_000).find(({ messageId, at }) => at >= ended && promised.has(messageId));
    if (first === undefined || accepted === Number.POSITIVE_INFINITY) return null;
    return { accepted: accepted - ended, delivered: first.at - ended };
  };
  const flows = await waitFor('mail to be accepted and delivered again', look, {
    timeout: patience,
    interval: 200,
    detail: () => cluster.output().slice(-20_000),
  });
  const complete = async () => {
    seen += 1;
    if (signal.aborted) return true;
    const ready = await Promise.all(cluster.all.map((one) => one.isReady()));
    return ready.every((one) => one) && (await also());
  };
  await waitFor('every process to be ready', complete, {
    timeout: patience,
    interval: 200,
    detail: () => `${seen} looks\n${cluster.output().slice(-20_000)}`,
  });
  signal.throwIfAborted();
  return { ...flows, whole: Date.now() - ended };
}
