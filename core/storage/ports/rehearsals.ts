import type { SettingsOverlay } from './settings.ts';

/** A dry run: settings of plugins that one process is to build and to close again. They are never in force. */
export interface Rehearsal {
  readonly id: string;
  /** Secrets in it are sealed. */
  readonly overlay: SettingsOverlay;
  /** Id of the process that is asked. */
  readonly by: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Dry runs of the moment; of one whose process ended nothing is left after an hour or two. */
export interface Rehearsals {
  propose(rehearsal: Rehearsal): Promise<void>;
  /** What a process is asked, the oldest first. */
  of(process: string): Promise<readonly Rehearsal[]>;
  /** Its outcome is known, or nobody waits for it any more. Unknown ids are no error. */
  withdraw(id: string): Promise<void>;
}
