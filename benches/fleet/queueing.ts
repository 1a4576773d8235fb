/*
 * What the theory of queues knows exactly (Kleinrock, Queueing Systems I): the simulation is held against it. Arrivals
 * come independently of each other at `rate`, a server takes `service` on average; times in one unit.
 */

/** Share of the time in which servers work; from 1 on the queue grows without end. */
export const utilisation = (rate: number, service: number, servers: number): number => (rate * service) / servers;

/** Probability that an arrival has to wait, with service times that are exponential (Erlang C). */
export function probabilityOfWaiting(rate: number, service: number, servers: number): number {
  const offered = rate * service;
  if (offered >= servers) return 1;
  // Erlang B by its recursion, which does not overflow.
  let blocked = 1;
  for (let n = 1; n <= servers; n += 1) blocked = (offered * blocked) / (n + offered * blocked);
  return blocked / (1 - (offered / servers) * (1 - blocked));
}

/** Mean time in the queue of M/M/c. */
export const meanWaitExponential = (rate: number, service: number, servers: number): number =>
  (probabilityOfWaiting(rate, service, servers) * service) / (servers - rate * service);

/** Mean time in the queue of M/D/1 (Pollaczek and Khinchine). */
export const meanWaitConstant = (rate: number, service: number): number =>
  (rate * service * service) / (2 * (1 - rate * service));

/** Time in the queue of M/M/c that a share of the arrivals does not exceed. */
export function waitQuantileExponential(rate: number, service: number, servers: number, share: number): number {
  const waits = probabilityOfWaiting(rate, service, servers);
  if (1 - waits >= share) return 0;
  return (Math.log(waits / (1 - share)) * service) / (servers - rate * service);
}
