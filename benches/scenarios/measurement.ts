/** What one run of one relay gave; rates in messages a second, times in milliseconds, memory in MB. */
export interface Measurement {
  accept: number;
  /** NaN where nothing was relayed. */
  relay: number;
  p50: number;
  p99: number;
  /** Processor time of the relay a message, until all was relayed. */
  cpu: number;
  /** Proportional memory of all its processes at the end. */
  memory: number;
}

/** A way of comparing the relays. */
export interface Scenario {
  name: string;
  title: string;
  sending: boolean;
  keepAlive: boolean;
  /** Whether a server that relays nothing has a place in it. */
  withoutRelaying: boolean;
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'relay',
    title: 'Accept and relay, connections kept',
    sending: true,
    keepAlive: true,
    withoutRelaying: false,
  },
  { name: 'accept', title: 'Accept only, connections kept', sending: false, keepAlive: true, withoutRelaying: true },
  // A bare smtp-server pauses 100 ms before each greeting: a rate that says nothing.
  {
    name: 'connection',
    title: 'Accept and relay, a connection a message',
    sending: true,
    keepAlive: false,
    withoutRelaying: false,
  },
];
