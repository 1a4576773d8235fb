import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { ClusterProcess } from '../support/cluster.ts';
import type { Deployment } from './deployment.ts';

/** What a fault may take: `signal` ends it early. */
export interface FaultMoment {
  readonly deployment: Deployment;
  /** Counts from 0: the first, second … fault of this kind. */
  readonly round: number;
  /** Milliseconds for which an upstream is away. */
  readonly upstreamOutage: number;
  readonly signal: AbortSignal;
}

/** One way in which a deployment fails. */
export interface FaultKind {
  readonly title: string;
  /** Milliseconds after its end in which all has to work again. */
  readonly recovery: number;
  /** Lets it happen; resolves when what was away is back. Answers what has to come true besides mail that flows. */
  readonly happen: (moment: FaultMoment) => Promise<(() => Promise<boolean>) | void>;
}

const minute = 60_000;
/** For how long servers are away, in milliseconds. */
const outage = 30_000;

/** Only the first of a kind: the other one runs through, and shows whether memory grows. */
const killed = async (processes: readonly ClusterProcess[]): Promise<void> => {
  const [process] = processes;
  await process?.kill();
  process?.launch();
};

const changeSchema = z.object({ state: z.literal('current'), version: z.number() });
const systemSchema = z.object({
  processes: z.array(z.object({ roles: z.array(z.string()), settings_version: z.number() })),
});

/** A limit that no load reaches, another one each time. Answers whether all who judge mail run the new version. */
const settingsChanged = async ({ deployment, round }: FaultMoment): Promise<() => Promise<boolean>> => {
  const { account, cluster } = deployment;
  const body = { config: { address: { connections: { limit: 100_000 + round, window: '1m' } } } };
  const answer = await account.call('PATCH', '/api/plugins/rate-limit', body);
  const { version } = changeSchema.parse(answer.body);
  const judging = cluster.smtp.length + cluster.workers.length;
  return async () => {
    const { processes } = systemSchema.parse((await account.call('GET', '/api/system')).body);
    const current = processes.filter(
      ({ roles, settings_version }) => roles[0] !== 'api' && settings_version === version,
    );
    return current.length === judging;
  };
};

/** In this order within each round: what may leave mail waiting for `ambiguous_delay` comes first. */
export const faultKinds: readonly FaultKind[] = [
  {
    title: 'both workers frozen beyond their leases',
    recovery: minute,
    async happen({ deployment: { cluster, config }, signal }) {
      for (const worker of cluster.workers) worker.freeze();
      await delay(config.worker.lease + 10_000, undefined, { signal });
      for (const worker of cluster.workers) worker.thaw();
    },
  },
  {
    title: 'a worker killed',
    recovery: minute,
    happen: ({ deployment: { cluster } }) => killed(cluster.workers),
  },
  {
    title: 'the upstream away',
    // It is tried again when `breaker.probe` is over at the latest.
    recovery: 2 * minute,
    async happen({ deployment: { upstream }, upstreamOutage, signal }) {
      upstream.inject({ refuse: true });
      upstream.cutAll();
      await delay(upstreamOutage, undefined, { signal });
      upstream.inject(undefined);
    },
  },
  {
    title: 'the database stopped',
    recovery: minute,
    async happen({ deployment: { mongodb }, signal }) {
      await mongodb.end();
      await delay(outage, undefined, { signal });
      await mongodb.start();
    },
  },
  {
    title: 'the database frozen',
    recovery: minute,
    async happen({ deployment: { mongodb }, signal }) {
      await mongodb.freeze();
      await delay(outage, undefined, { signal });
      await mongodb.thaw();
    },
  },
  {
    title: 'Redis killed',
    recovery: minute,
    async happen({ deployment: { redis }, signal }) {
      await redis.kill();
      await delay(outage, undefined, { signal });
      await redis.start();
    },
  },
  {
    title: 'Redis emptied (FLUSHALL)',
    recovery: minute,
    async happen({ deployment: { redis } }) {
      await redis.admin.flushall();
    },
  },
  { title: 'an SMTP server killed', recovery: minute, happen: ({ deployment: { cluster } }) => killed(cluster.smtp) },
  { title: 'the API killed', recovery: minute, happen: ({ deployment: { cluster } }) => killed(cluster.apis) },
  { title: 'settings changed by the API', recovery: 5_000, happen: settingsChanged },
];
