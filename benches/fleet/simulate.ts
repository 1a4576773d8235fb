/*
 * Simulates fleets with measured costs (docs/scaling.md). `npm run simulate -- --help` lists what can be given.
 */
import { parseArgs } from 'node:util';
import { measuredCosts } from './costs.ts';
import { highestPeak } from './day.ts';
import { defaultAssumptions, type Fleet, messageCost, planned, type Workload } from './fleet.ts';
import { costsTable, judge, sweep } from './report.ts';

const usage = `npm run simulate -- [options]
  --mails N             mails a day; without it: a table for 1, 10 and 100 million
  --peak N              the fullest moment against the mean, 1 to ${highestPeak} (3)
  --recipients N        of a mail (1)
  --size N              octets of a mail (5000)
  --smtp N --workers N  nodes; without them: as few as carry the peak at 60 %
  --redis N --mongodb N masters of Redis, shards of MongoDB; the same
  --cores N             processors a node (${defaultAssumptions.cores})
  --mongodb-writes N    documents a second that a primary writes (${defaultAssumptions.mongodbWrites}: an assumption)
  --upstream-ms N       milliseconds of a transaction with an upstream (${defaultAssumptions.upstreamMilliseconds}: an assumption)
  --concurrency N       worker.concurrency, a processor (${defaultAssumptions.concurrency})
  --messages N          simulated (60000)
  --seed N              (1)
`;

const { values } = parseArgs({
  options: {
    mails: { type: 'string' },
    peak: { type: 'string', default: '3' },
    recipients: { type: 'string', default: '1' },
    size: { type: 'string', default: '5000' },
    smtp: { type: 'string' },
    workers: { type: 'string' },
    redis: { type: 'string' },
    mongodb: { type: 'string' },
    cores: { type: 'string', default: String(defaultAssumptions.cores) },
    'mongodb-writes': { type: 'string', default: String(defaultAssumptions.mongodbWrites) },
    'upstream-ms': { type: 'string', default: String(defaultAssumptions.upstreamMilliseconds) },
    concurrency: { type: 'string', default: String(defaultAssumptions.concurrency) },
    messages: { type: 'string', default: '60000' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});

/** A number above 0; says which option is wrong. */
function given(name: string, text: string, most = Number.POSITIVE_INFINITY, least = 0): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0 && value >= least && value <= most) return value;
  const between = most === Number.POSITIVE_INFINITY ? 'above 0' : `from ${least} to ${most}`;
  throw new RangeError(`--${name} is ${text}; a number ${between} is needed`);
}

function run(): string {
  const costs = measuredCosts();
  const workload: Workload = {
    mailsPerDay: given('mails', values.mails ?? '1000000'),
    peak: given('peak', values.peak, highestPeak, 1),
    recipients: given('recipients', values.recipients),
    size: given('size', values.size),
  };
  const assumptions = {
    cores: given('cores', values.cores),
    mongodbWrites: given('mongodb-writes', values['mongodb-writes']),
    upstreamMilliseconds: given('upstream-ms', values['upstream-ms']),
    concurrency: given('concurrency', values.concurrency),
  };
  const common = {
    costs,
    workload,
    assumptions,
    messages: given('messages', values.messages),
    seed: given('seed', values.seed),
  };
  if (values.mails === undefined) {
    const measured = `What a message costs (${costs.measuredOn}, ${costs.machine}; ${costs.how}):\n\n${costsTable(costs)}`;
    return `${measured}\n\n${sweep([1e6, 1e7, 1e8], common)}\n`;
  }
  const least = planned(messageCost(costs, workload), workload, assumptions);
  const nodes = (name: 'smtp' | 'workers' | 'redis' | 'mongodb', otherwise: number): number => {
    const text = values[name];
    return text === undefined ? otherwise : given(name, text);
  };
  const fleet: Fleet = {
    smtpNodes: nodes('smtp', least.smtpNodes),
    workerNodes: nodes('workers', least.workerNodes),
    redisShards: nodes('redis', least.redisShards),
    mongodbShards: nodes('mongodb', least.mongodbShards),
  };
  return `${judge({ ...common, fleet }).text}\n`;
}

if (values.help) process.stdout.write(usage);
else {
  try {
    process.stdout.write(run());
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 64;
  }
}
