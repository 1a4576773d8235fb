import type { Costs, Measured } from './costs.ts';
import type { Experiment, Station, Visit } from './simulation.ts';

export interface Workload {
  readonly mailsPerDay: number;
  /** The fullest moment of the day against its mean. */
  readonly peak: number;
  readonly recipients: number;
  /** Octets of a message. */
  readonly size: number;
}

/** What is not measured here but assumed: put in what your own hardware does. */
export interface Assumptions {
  /** Processors that one node of SMTP servers or workers has. */
  readonly cores: number;
  /** Documents a second that a primary of MongoDB writes, majority and journal. */
  readonly mongodbWrites: number;
  /** Milliseconds that a transaction with an upstream takes. */
  readonly upstreamMilliseconds: number;
  /** `worker.concurrency`, of each processor of a worker node. */
  readonly concurrency: number;
}

export interface Fleet {
  readonly smtpNodes: number;
  readonly workerNodes: number;
  readonly redisShards: number;
  readonly mongodbShards: number;
}

export const defaultAssumptions: Assumptions = {
  cores: 4,
  mongodbWrites: 10_000,
  upstreamMilliseconds: 100,
  concurrency: 20,
};

/** Milliseconds of processors, and documents written, by one message. */
export interface MessageCost {
  readonly smtpCpu: number;
  readonly workerCpu: number;
  readonly accountsCpu: number;
  readonly wakeUpsCpu: number;
  readonly redisCommands: number;
  readonly mailWrites: number;
  readonly eventWrites: number;
  readonly mongodbCommands: number;
  /** Octets that stay for as long as the log is kept. */
  readonly kept: number;
}

const events = 'events';
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function costOf({ smtpCpu, workerCpu, redis, mongodb }: Measured): MessageCost {
  const collections = Object.entries(mongodb);
  const families = Object.values(redis);
  return {
    smtpCpu,
    workerCpu,
    accountsCpu: (redis.counters?.cpu ?? 0) + (redis.rates?.cpu ?? 0),
    wakeUpsCpu: (redis.mail?.cpu ?? 0) + (redis.bus?.cpu ?? 0),
    redisCommands: sum(families.map(({ commands }) => commands)),
    mailWrites: sum(collections.map(([name, { writes }]) => (name === events ? 0 : writes))),
    eventWrites: mongodb[events]?.writes ?? 0,
    mongodbCommands: sum(collections.map(([, { commands }]) => commands)),
    kept: sum(collections.map(([name, { inserted }]) => (name === 'bodies' || name === events ? 0 : inserted))),
  };
}

/** Straight lines through what was measured: a small message to one recipient, to several, and a large one. */
export function messageCost({ runs }: Costs, { recipients, size }: Pick<Workload, 'recipients' | 'size'>): MessageCost {
  const [base, several, large] = runs;
  if (base === undefined || several === undefined || large === undefined) throw new RangeError('three runs are needed');
  const [one, more, bigger] = [costOf(base), costOf(several), costOf(large)];
  const scaled = (field: keyof MessageCost): number => {
    const each = Math.max(0, more[field] - one[field]) / (several.recipients - base.recipients);
    const octet = Math.max(0, bigger[field] - one[field]) / (large.size - base.size);
    const least = one[field] / 2;
    return Math.max(least, one[field] + (recipients - base.recipients) * each + (size - base.size) * octet);
  };
  return {
    smtpCpu: scaled('smtpCpu'),
    workerCpu: scaled('workerCpu'),
    accountsCpu: scaled('accountsCpu'),
    wakeUpsCpu: scaled('wakeUpsCpu'),
    redisCommands: scaled('redisCommands'),
    mailWrites: scaled('mailWrites'),
    eventWrites: scaled('eventWrites'),
    mongodbCommands: scaled('mongodbCommands'),
    kept: scaled('kept'),
  };
}

export const meanRate = ({ mailsPerDay }: Workload): number => mailsPerDay / 86_400;
export const peakRate = (workload: Workload): number => meanRate(workload) * workload.peak;

/** The stations of a fleet, in the order in which a message meets them first. */
export type StationName =
  | 'SMTP processors'
  | 'Redis, quotas and rates'
  | 'MongoDB, mail'
  | 'Redis, wake-ups'
  | 'Worker processors'
  | 'Ways to the upstream'
  | 'MongoDB, events';

export interface FleetStation extends Station {
  readonly name: StationName;
  /** What to do when it is full. */
  readonly remedy: string;
}

export interface Model {
  readonly stations: readonly FleetStation[];
  readonly route: readonly Visit[];
  /** Places in the route after which a client reads 250, and after which the mail is delivered and on record. */
  readonly accepted: number;
  readonly settled: number;
}

/** Two of the writes of a message come before its 250: its body and its record. */
const writesBefore250 = 2;

export function model(cost: MessageCost, fleet: Fleet, assumptions: Assumptions): Model {
  const { cores, mongodbWrites, upstreamMilliseconds, concurrency } = assumptions;
  const writing = (documents: number): number => (documents * 1_000) / mongodbWrites;
  const rest = Math.max(0, cost.mailWrites - writesBefore250);
  const workerCores = fleet.workerNodes * cores;
  const stations: readonly FleetStation[] = [
    {
      name: 'SMTP processors',
      servers: fleet.smtpNodes * cores,
      sharing: 'pool',
      spread: 'exponential',
      remedy: 'add a node of SMTP servers',
    },
    {
      name: 'Redis, quotas and rates',
      servers: fleet.redisShards,
      sharing: 'shards',
      spread: 'constant',
      remedy: 'add a master to the Redis Cluster: accounts are spread over its slots',
    },
    {
      name: 'MongoDB, mail',
      servers: fleet.mongodbShards,
      sharing: 'shards',
      spread: 'constant',
      remedy: 'add a shard: slots move to it',
    },
    {
      name: 'Redis, wake-ups',
      servers: 1,
      sharing: 'pool',
      spread: 'constant',
      remedy: 'nothing to add: all wake-ups are in one slot; beyond it workers find mail in the database',
    },
    {
      name: 'Worker processors',
      servers: workerCores,
      sharing: 'pool',
      spread: 'exponential',
      remedy: 'add a node of workers',
    },
    {
      name: 'Ways to the upstream',
      servers: workerCores * concurrency,
      sharing: 'pool',
      spread: 'exponential',
      remedy: 'raise worker.concurrency, add workers, or see why the upstream is slow',
    },
    {
      name: 'MongoDB, events',
      servers: 1,
      sharing: 'pool',
      spread: 'constant',
      remedy: 'nothing to add: events have one row of numbers, which one shard writes',
    },
  ];
  const at = (name: StationName): number => stations.findIndex((station) => station.name === name);
  const route: readonly Visit[] = [
    { station: at('SMTP processors'), service: cost.smtpCpu },
    { station: at('Redis, quotas and rates'), service: cost.accountsCpu },
    { station: at('MongoDB, mail'), service: writing(Math.min(writesBefore250, cost.mailWrites)) },
    { station: at('Redis, wake-ups'), service: cost.wakeUpsCpu },
    { station: at('MongoDB, mail'), service: writing(rest / 2) },
    { station: at('Worker processors'), service: cost.workerCpu },
    { station: at('Ways to the upstream'), service: upstreamMilliseconds },
    { station: at('MongoDB, mail'), service: writing(rest / 2) },
    { station: at('MongoDB, events'), service: writing(cost.eventWrites) },
  ];
  return { stations, route, accepted: 2, settled: 7 };
}

/** Share of its time in which each station works at a rate, from the arithmetic alone; above 1 it cannot. */
export function loads({ stations, route }: Model, rate: number): { station: FleetStation; load: number }[] {
  return stations.map((station, n) => {
    const service = sum(route.filter((visit) => visit.station === n).map((visit) => visit.service));
    return { station, load: (rate * service) / 1_000 / station.servers };
  });
}

/** The station that is full first when more mail comes, and how much that is, in messages a second. */
export function nextBottleneck(fleetModel: Model): { station: FleetStation; rate: number } {
  const [first] = loads(fleetModel, 1).sort((a, b) => b.load - a.load);
  if (first === undefined) throw new RangeError('a fleet has stations');
  return { station: first.station, rate: 1 / first.load };
}

/** The smallest fleet in which nothing that can be added to works more than `target` of the time at the peak. */
export function planned(cost: MessageCost, workload: Workload, assumptions: Assumptions, target = 0.6): Fleet {
  const rate = peakRate(workload);
  const { cores, mongodbWrites, concurrency, upstreamMilliseconds } = assumptions;
  const needed = (milliseconds: number, each: number): number =>
    Math.max(1, Math.ceil((rate * milliseconds) / 1_000 / target / each));
  return {
    smtpNodes: needed(cost.smtpCpu, cores),
    workerNodes: Math.max(needed(cost.workerCpu, cores), needed(upstreamMilliseconds, cores * concurrency)),
    redisShards: needed(cost.accountsCpu, 1),
    mongodbShards: needed((cost.mailWrites * 1_000) / mongodbWrites, 1),
  };
}

/** The fullest moments of a day, as a simulation takes them. */
export const atPeak = (fleetModel: Model, workload: Workload, messages: number, seed: number): Experiment => ({
  stations: fleetModel.stations,
  route: fleetModel.route,
  rate: peakRate(workload),
  messages,
  seed,
});
