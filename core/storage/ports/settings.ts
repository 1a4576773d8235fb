import type { Page } from './accounts.ts';

/** What the API set of one plugin, over what the file says. Secrets in it are sealed. */
export interface PluginOverlay {
  /** Merge patch (RFC 7396) of the plugin's entry; named lists as objects keyed by name. */
  readonly patch: Readonly<Record<string, unknown>>;
  /** What the file said beneath each value of the patch when it was set: fingerprints by path, to tell drift. */
  readonly beneath: Readonly<Record<string, string>>;
}

/** Everything the API set. */
export interface SettingsOverlay {
  /** By plugin id. */
  readonly plugins: Readonly<Record<string, PluginOverlay>>;
  /** Ids in the order they shall stand in; those not named keep their place among each other, behind. Null: as in the file. */
  readonly order: readonly string[] | null;
}

/** One configuration of the plugins. Its number is what traces call the version that judged a message. */
export interface SettingsVersion {
  readonly number: number;
  readonly overlay: SettingsOverlay;
  /** Tells whether two versions are the same configuration in force, file and environment included. */
  readonly fingerprint: string;
  /** What made it: a start or reload that found another file, or a change by the API. */
  readonly cause: 'start' | 'reload' | 'change' | 'order' | 'reset' | 'roll-back';
  /** A user's id; null: the control socket, or Sluice itself. */
  readonly author: string | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** `superseded` was in force until another became current. */
  readonly state: 'candidate' | 'current' | 'superseded' | 'rejected';
  /** Why it was rejected. */
  readonly reason: string | null;
}

export type NewSettingsVersion = Omit<SettingsVersion, 'state' | 'reason'>;

/** So many versions are kept; older ones cannot be gone back to. */
export const keptSettingsVersions = 100;

/** Versions of the plugins' settings; at most one is current. The last `keptSettingsVersions` are kept. */
export interface SettingsStore {
  current(): Promise<SettingsVersion | null>;
  version(number: number): Promise<SettingsVersion | null>;
  /** The highest number given away so far; 0 for none. */
  latest(): Promise<number>;
  /** Newest first. */
  list(options: { after?: string; limit: number }): Promise<Page<SettingsVersion>>;
  /** Stores a candidate; false where the number is taken: of two changes at once, one comes too late. */
  propose(version: NewSettingsVersion): Promise<boolean>;
  /**
   * A candidate becomes current, and what was current superseded; false for what is no candidate. Versions older than
   * the `keptSettingsVersions` up to this one are deleted then.
   */
  accept(number: number): Promise<boolean>;
  /** A candidate is given up; false for what is no candidate. */
  reject(number: number, reason: string): Promise<boolean>;
}
