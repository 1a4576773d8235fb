import type { Need } from './report.ts';

/** What the child process is asked: to read the folder's settings, or to register one plugin. */
export type Trial =
  | { readonly job: 'settings'; readonly files: readonly string[] }
  | { readonly job: 'plugin'; readonly plugin: string };

/** A parsed `.ini` of the site: sections, `main` among them. */
export type Sections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What the folder says, without the defaults that come with Haraka. */
export interface SiteSettings {
  /** The plugins as Haraka reads them: comments left out. */
  readonly plugins: readonly string[];
  /** Parsed files, by name; only those that exist. */
  readonly files: Readonly<Record<string, unknown>>;
}

/** What became of a plugin that was loaded and registered. */
export interface Registered {
  readonly hooks: readonly string[];
  readonly needs: readonly Need[];
  readonly settings: readonly string[];
  readonly said: readonly string[];
}

export interface TrialFailure {
  readonly failed: string;
  readonly said: readonly string[];
}

/** What the child says first, once it can be asked. */
export const ready = 'ready';
