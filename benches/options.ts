import { parseArgs } from 'node:util';
import type { LoadShape } from './scenarios/throughput.ts';

export interface BenchOptions {
  /** Finishes within a minute: fewer messages, one round, without the long scenarios. */
  quick: boolean;
  rounds: number;
  /** Names of relays and scenarios to run; empty: all. */
  only: readonly string[];
  shape: LoadShape;
  /** Messages of the run in which every message is compared at the sink. */
  verified: number;
  /** Which Sluice stands beside the others. */
  mode: 'embedded' | 'cluster';
  /** File of docs/ that the result becomes; undefined: where it is no record to keep. */
  record: string | undefined;
  /** Only show where Sluice's time goes. */
  profile: boolean;
}

export const usage = `npm run bench -- [--quick] [--cluster] [--only name,…] [--rounds n] [--messages n] [--tls] [--profile]

  --quick       finishes within 60 s: fewer messages, one round
  --cluster     Sluice as processes smtp, worker and api on MongoDB (or what stands for it here) and Redis
  --only        relays (sluice, postfix, postfix-nodelay, haraka, bare, sluice-haraka, haraka-plugins) and scenarios
                (relay, accept, connection, verify, flushes, large, waiting) to run; default: all
  --rounds      interleaved rounds, whose median counts; default 3
  --messages    messages of a run; default 20000 (Postfix and Haraka a quarter of them)
  --tls         STARTTLS on every connection to a relay
  --record      file of docs/ to write the result to; default of a full run: benchmarks.md, benchmarks-cluster.md
  --profile     only shows where Sluice's time goes, by thread and function; with --only connection, of a
                connection a message`;

/** Throws a TypeError with a text for people where an option is not known. */
export const readOptions = (args: readonly string[]): BenchOptions | 'help' => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      only: { type: 'string', default: '' },
      rounds: { type: 'string' },
      messages: { type: 'string' },
      cluster: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      tls: { type: 'boolean', default: false },
      record: { type: 'string' },
    },
  });
  if (values.help) return 'help';
  if (values.cluster && values.profile) throw new TypeError('--profile shows threads of embedded mode only');
  const { quick } = values;
  const only = values.only.split(',').filter(Boolean);
  // A part of a run, or a short one, is no record to keep.
  const full = quick || only.length > 0 ? undefined : values.cluster ? 'benchmarks-cluster.md' : 'benchmarks.md';
  const messages = Number(values.messages ?? (quick ? 3_000 : 20_000));
  return {
    quick,
    rounds: Number(values.rounds ?? (quick ? 1 : 3)),
    only,
    record: values.record ?? full,
    shape: { messages, warmUp: Math.ceil(messages / 8), connections: 20, size: 5 * 1024, startTls: values.tls },
    mode: values.cluster ? 'cluster' : 'embedded',
    profile: values.profile,
    verified: quick ? 500 : 5_000,
  };
};
