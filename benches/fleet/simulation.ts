import { EventHeap } from './event-heap.ts';
import { exponential, type Random, seededRandom } from './random.ts';

/** A place where messages are served, in the order in which they come. */
export interface Station {
  readonly name: string;
  readonly servers: number;
  /** `pool`: the next free server takes the next message; `shards`: each message has a server of its own, by chance. */
  readonly sharing: 'pool' | 'shards';
  /** Of the times that messages take a server. */
  readonly spread: 'constant' | 'exponential';
}

/** What a message wants at a station. */
export interface Visit {
  /** Place of the station among those given. */
  readonly station: number;
  /** Mean time it takes a server, in milliseconds. */
  readonly service: number;
}

export interface Experiment {
  readonly stations: readonly Station[];
  /** What every message goes through, in this order; one station may be visited several times. */
  readonly route: readonly Visit[];
  /** Messages a second, independently of each other. */
  readonly rate: number;
  readonly messages: number;
  readonly seed: number;
}

export interface Spread {
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
}

export interface StationResult {
  readonly name: string;
  /** Share of the time in which its servers worked. */
  readonly utilisation: number;
  /** Milliseconds in its queue, a visit. */
  readonly wait: Spread;
  /** Messages in it at a time, served or waiting, on average. */
  readonly inside: number;
  /** Mean milliseconds in it, a visit. */
  readonly sojourn: number;
  /** Visits that ended a second. */
  readonly throughput: number;
}

export interface Outcome {
  readonly stations: readonly StationResult[];
  /** Milliseconds from arrival to the end of each visit, by its place in the route. */
  readonly until: readonly Spread[];
}

/** The first tenth fills the queues and is not counted. */
const warmUp = 0.1;

const quantile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

function summary(values: Float64Array): Spread {
  const sorted = values.toSorted();
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  return { mean, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
}

/** The servers of a station, each with the time until which it has work. */
class Servers {
  readonly #freeAt: Float64Array;
  readonly #station: Station;
  readonly #random: Random;

  constructor(station: Station, random: Random) {
    this.#station = station;
    this.#random = random;
    this.#freeAt = new Float64Array(station.servers);
  }

  /** Takes a message that comes at `now`; answers when its service begins and ends. */
  serve(now: number, service: number): { begins: number; ends: number } {
    const { spread } = this.#station;
    const server = this.#choose();
    const begins = Math.max(now, this.#freeAt[server] ?? 0);
    const ends = begins + (spread === 'constant' ? service : exponential(this.#random, service));
    this.#freeAt[server] = ends;
    return { begins, ends };
  }

  #choose(): number {
    const { servers, sharing } = this.#station;
    if (sharing === 'shards') return Math.floor(this.#random() * servers);
    let first = 0;
    for (let n = 1; n < servers; n += 1) {
      if ((this.#freeAt[n] ?? 0) < (this.#freeAt[first] ?? 0)) first = n;
    }
    return first;
  }
}

/** What is noted of one visit of every message that is counted. */
interface Notes {
  readonly waits: Float64Array;
  readonly until: Float64Array;
  sojourn: number;
  /** Within the time that is looked at. */
  served: number;
  inside: number;
  left: number;
}

/**
 * Sends messages through stations one after the other, event by event. Arrivals at each station are served in the order
 * of their times, whatever they met on the way.
 */
export function simulate({ stations, route, rate, messages, seed }: Experiment): Outcome {
  const random = seededRandom(seed);
  const servers = stations.map((station) => new Servers(station, random));
  const events = new EventHeap<{ message: number; place: number }>();
  const arrivals = new Float64Array(messages);
  for (let message = 0, now = 0; message < messages; message += 1) {
    now += exponential(random, 1_000 / rate);
    arrivals[message] = now;
  }
  const skipped = Math.floor(messages * warmUp);
  const counted = messages - skipped;
  // The time in which the queues are as full as arrivals make them.
  const [from, to] = [arrivals[skipped] ?? 0, arrivals[messages - 1] ?? 0];
  const within = (begin: number, end: number): number => Math.max(0, Math.min(end, to) - Math.max(begin, from));
  const notes = route.map((): Notes => {
    return {
      waits: new Float64Array(counted),
      until: new Float64Array(counted),
      sojourn: 0,
      served: 0,
      inside: 0,
      left: 0,
    };
  });

  // Arrivals are put in one by one, so that the heap holds only what is under way.
  const arrive = (message: number): void => {
    if (message < messages) events.put(arrivals[message] ?? 0, { message, place: 0 });
  };
  arrive(0);
  for (let event = events.take(); event !== undefined; event = events.take()) {
    const { at, value } = event;
    const { message, place } = value;
    if (place === 0) arrive(message + 1);
    const visit = route[place];
    const note = notes[place];
    if (visit === undefined || note === undefined) continue;
    const served = servers[visit.station]?.serve(at, visit.service);
    if (served === undefined) throw new RangeError(`there is no station ${visit.station}`);
    const { begins, ends } = served;
    note.served += within(begins, ends);
    note.inside += within(at, ends);
    if (ends >= from && ends <= to) note.left += 1;
    if (message >= skipped) {
      note.sojourn += ends - at;
      note.waits[message - skipped] = begins - at;
      note.until[message - skipped] = ends - (arrivals[message] ?? 0);
    }
    events.put(ends, { message, place: place + 1 });
  }
  return {
    stations: stations.map((station, n) => {
      const visits = notes.filter((_, place) => route[place]?.station === n);
      return stationResult(station, visits, { span: to - from, counted });
    }),
    until: notes.map(({ until }) => summary(until)),
  };
}

function stationResult(
  { name, servers }: Station,
  visits: readonly Notes[],
  { span, counted }: { span: number; counted: number },
): StationResult {
  const sum = (of: (note: Notes) => number): number => visits.reduce((total, note) => total + of(note), 0);
  const waits = new Float64Array(visits.length * counted);
  visits.forEach((note, n) => void waits.set(note.waits, n * counted));
  return {
    name,
    utilisation: sum(({ served }) => served) / span / servers,
    wait: summary(waits),
    inside: sum(({ inside }) => inside) / span,
    sojourn: sum(({ sojourn }) => sojourn) / Math.max(1, visits.length * counted),
    throughput: (sum(({ left }) => left) * 1_000) / span,
  };
}
