import type { Results } from './results.ts';

/** A figure to reach, and what was measured; undefined where the run did not measure it. */
export interface Target {
  what: string;
  wanted: string;
  measured: string | undefined;
  reached: boolean | undefined;
}

const ratio = (own: number | undefined, other: number | undefined): number | undefined =>
  own === undefined || other === undefined ? undefined : own / other;

const atLeast = (what: string, factor: number, measured: number | undefined): Target => ({
  what,
  wanted: `≥ ${factor} ×`,
  measured: measured === undefined ? undefined : `${measured.toFixed(2)} ×`,
  reached: measured === undefined ? undefined : measured >= factor,
});

const atMost = (what: string, limit: number, unit: string, measured: number | undefined): Target => ({
  what,
  wanted: `≤ ${limit} ${unit}`,
  measured: measured === undefined ? undefined : `${measured.toFixed(2)} ${unit}`,
  reached: measured === undefined ? undefined : measured <= limit,
});

const better = (...rates: (number | undefined)[]): number | undefined => {
  const known = rates.filter((rate) => rate !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
};

/** The figures of the specification beside what was measured. */
export const targets = (results: Results): Target[] => {
  const accept = (scenario: string, relay: string) => results.median(scenario, relay, 'accept');
  const relay = (name: string) => results.median('relay', name, 'relay');
  const acceptRatio = (scenario: string, other: string) => ratio(accept(scenario, 'sluice'), accept(scenario, other));
  const { large, waiting } = results;
  const rows = [
    atLeast('accept only, against Postfix', 4, acceptRatio('accept', 'postfix')),
    atLeast('accept only, against Postfix without delay', 3, acceptRatio('accept', 'postfix-nodelay')),
    atLeast('accept only, against Haraka', 8, acceptRatio('accept', 'haraka')),
    atLeast('accept only, against a bare smtp-server', 0.4, acceptRatio('accept', 'bare')),
    atLeast('accept while relaying, against Postfix', 4, acceptRatio('relay', 'postfix')),
    atLeast('accept while relaying, against Postfix without delay', 3, acceptRatio('relay', 'postfix-nodelay')),
    atLeast('accept while relaying, against Haraka', 8, acceptRatio('relay', 'haraka')),
    atLeast('a connection a message, against Postfix', 2, acceptRatio('connection', 'postfix')),
    atLeast(
      'accept and relay, against the better Postfix',
      4,
      ratio(relay('sluice'), better(relay('postfix'), relay('postfix-nodelay'))),
    ),
    atLeast('accept and relay, against Haraka', 6, ratio(relay('sluice'), relay('haraka'))),
    atLeast(
      'accept and relay with three Haraka plugins, against Haraka',
      1,
      ratio(relay('sluice-haraka'), relay('haraka-plugins')),
    ),
    atMost('processor time a relayed message', 0.5, 'ms', results.median('relay', 'sluice', 'cpu')),
    atMost('growth of memory by 100 messages of 25 MB at once', 150, 'MB', large?.growth),
    atMost('start with 1,000,000 messages waiting', 3, 's', waiting?.start),
    atLeast('accept with them, against an empty queue', 0.9, ratio(waiting?.accept, waiting?.acceptEmpty)),
  ];
  return rows;
};
