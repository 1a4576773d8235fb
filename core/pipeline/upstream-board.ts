/** How one upstream stands: `unknown` until it was first tried. */
export interface UpstreamHealth {
  readonly name: string;
  readonly state: 'up' | 'down' | 'probing' | 'unknown';
  /** Host and port, or `capture`. */
  readonly target: string;
  /** Since when it is in this state, milliseconds since the epoch; null while unknown. */
  readonly since: number | null;
  /** Last failure, on one line; null when there was none. */
  readonly lastError: string | null;
}

/** Open connections to one upstream. */
export interface UpstreamConnections {
  /** Being opened, or with a transaction under way. */
  readonly inUse: number;
  readonly idle: number;
}

/** Where a plugin that delivers tells how its upstreams stand, so that health can say so. */
export interface UpstreamBoard {
  /** Replaces what was told of the upstream of that name. */
  report(health: UpstreamHealth): void;
  /** How to count its connections whenever somebody asks; replaces what was told of the upstream of that name. */
  connections?(name: string, count: () => UpstreamConnections): void;
}
