import { machineName } from '../../tests/support/machine.ts';
import type { LoadShape } from '../scenarios/throughput.ts';
import type { Results } from './results.ts';
import { markdownTable, tables } from './tables.ts';

const longRuns = ({ large, waiting }: Results): string[] => {
  const lines: string[] = [];
  if (large !== undefined) {
    lines.push(
      `- ${large.messages} messages of 25 MB at once, accepted and relayed in ${large.seconds.toFixed(1)} s: resident memory grew by ${large.growth.toFixed(0)} MB.`,
    );
  }
  if (waiting !== undefined) {
    lines.push(
      `- With ${waiting.waiting.toLocaleString('en')} messages waiting: ready ${waiting.start.toFixed(2)} s after the start; ${waiting.accept.toFixed(0)} messages accepted a second, ${waiting.acceptEmpty.toFixed(0)} with an empty queue.`,
    );
  }
  return lines;
};

/** What has to be known of a run of cluster mode before its figures are read. */
const ofCluster = `Sluice runs here as it does in a cluster: one process each of \`smtp\`, \`worker\` and \`api\`, on Redis (append-only file) and on what its line below names as database, all on this machine. **mongo-java-server is a stand-in for MongoDB where none can be had: it speaks the protocol, keeps everything in memory and looks at every record where MongoDB uses an index; meaningless as a benchmark of MongoDB,** and the bound of Sluice's figures here. It therefore gets a tenth of the messages, so few that the compiler has barely begun with the code that takes them, and the long scenarios are smaller, as they say.`;

/** docs/benchmarks.md, or docs/benchmarks-cluster.md, of a full run; or of a part, which its head names. */
export const document = (
  results: Results,
  shape: LoadShape,
  rounds: number,
  date: Date,
  args: readonly string[] = [],
): string => {
  const cluster = results.mode === 'cluster';
  return [
    cluster ? '# Benchmarks of cluster mode' : '# Benchmarks',
    '',
    `<!-- Written by \`${['npm run bench', ...(args.length === 0 ? [] : ['--', ...args])].join(' ')}\`; changes made by hand are lost with its next run. -->`,
    '',
    `${date.toISOString().slice(0, 10)}; ${machineName()}; load of the machine before it began: ${results.load.toFixed(1)}.`,
    '',
    ...(cluster ? [ofCluster, ''] : []),
    `Load generator, relay and sink share the machine, so only ratios mean anything: equal runs differ by up to a factor of two. ${shape.connections} connections, messages of ${shape.size / 1024} KB, ${shape.startTls ? 'STARTTLS' : 'no TLS'}, ${rounds} interleaved rounds, each relay started afresh for each run and warmed up; the median counts, its range stands in brackets. "Accept only": relaying is switched off (Postfix holds, Haraka's outbound is disabled, Sluice's upstream is down). The sink is Debian's \`smtp-sink\`; the queues lie on the same disk, with all their flushes.`,
    '',
    ...results.relays.map(({ label, version, difference }) => `- **${label}** ${version}: ${difference}.`),
    '',
    ...tables(results).flatMap((table) => [markdownTable(table), '']),
    ...longRuns(results),
    ...results.failures.map((failure) => `- Not measured: ${failure}`),
    '',
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .replace(/\n+$/, '\n');
};
