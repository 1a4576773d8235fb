import type { UpstreamConnections, UpstreamHealth } from '../../pipeline/upstream-board.ts';

/** What a process of a cluster does; one may do several. */
export type ProcessRole = 'smtp' | 'worker' | 'api';

/** Ids of the plugins that handle a hook, in running order; `listener` is null for the worker's hooks. */
export interface HookOrder {
  readonly listener: string | null;
  readonly hook: string;
  readonly plugins: readonly string[];
}

/** How an upstream stands that a process spoke to, and its connections to it. */
export interface UpstreamReport extends UpstreamHealth {
  readonly connections: UpstreamConnections;
}

/** What a process tells of itself. */
export interface ProcessState {
  /** New at each start (UUIDv7). */
  readonly id: string;
  readonly roles: readonly ProcessRole[];
  readonly host: string;
  readonly pid: number;
  /** Sluice's own version. */
  readonly release: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Version of the plugins' settings that it runs; 0 before its plugins run. */
  readonly settings: number;
  /** The last candidate that it tried to build, and what was wrong with it; null for none yet. */
  readonly built: { readonly version: number; readonly error: string | null } | null;
  /** Dry runs that it was asked for and that still stand, with what was wrong. Absent: its release knows none. */
  readonly rehearsed?: readonly { readonly id: string; readonly error: string | null }[];
  /** Why it cannot run the version that is current, and therefore gives no verdicts; null while all is well. */
  readonly unfit: string | null;
  readonly hooks: readonly HookOrder[];
  readonly upstreams: readonly UpstreamReport[];
}

export interface ProcessRecord extends ProcessState {
  /**
   * How often it told so. Whoever watches takes a process for alive while this grows: machines' clocks may differ, and
   * none of them is compared with another.
   */
  readonly beats: number;
  /** When it last told, by its own clock, milliseconds since the epoch. For people. */
  readonly at: number;
}

/** The processes of a cluster, as each tells of itself every two seconds. */
export interface ProcessList {
  /** Writes this in place of what the process told before, and counts one beat more. */
  beat(state: ProcessState, at: number): Promise<void>;
  /** All that did not leave, the living and, for up to an hour, the dead. By id: the first started first. */
  list(): Promise<readonly ProcessRecord[]>;
  /** It ends in order. Unknown ids are no error. */
  leave(id: string): Promise<void>;
}
