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
}

export const scenarios: readonly Scenario[] = [
  { name: 'relay', title: 'Accept and relay, connections kept', sending: true, keepAlive: true },
  { name: 'accept', title: 'Accept only, connections kept', sending: false, keepAlive: true },
  { name: 'connection', title: 'Accept and relay, a connection a message', sending: true, keepAlive: false },
];
