/** What `sluice haraka check` finds out. */

/**
 * How one plugin will do: `runs`; `partly`, where some of its hooks are never called here; `idle`, where none is;
 * `fails`, where it cannot be loaded or registered; `missing`.
 */
export type PluginResult = 'runs' | 'partly' | 'idle' | 'fails' | 'missing';

/** A hook of a plugin that is never called here, and why. */
export interface UncalledHook {
  readonly hook: string;
  readonly why: string;
}

/** A program or service beside the plugin. */
export interface Need {
  readonly what: string;
  /** Address or path, as the plugin's settings say; null where they do not. */
  readonly where: string | null;
  /** Whether it is there; null where that was not looked at: nothing is connected to. */
  readonly present: boolean | null;
}

export interface PluginReport {
  /** As `config/plugins` names it. */
  readonly listed: string;
  /** As Haraka knows it: without `haraka-plugin-`, and the successor where the listed name has moved. */
  readonly name: string;
  readonly renamed: boolean;
  readonly result: PluginResult;
  /** Where its code is; null where it is missing. */
  readonly found: {
    readonly kind: 'package' | 'core' | 'file';
    readonly path: string;
    readonly version: string | null;
  } | null;
  /** Why it does not run. */
  readonly reason: string | null;
  /** A command, or what else is to be done about it. */
  readonly advice: string | null;
  /** Hooks that run here, in the order they were registered. */
  readonly hooks: readonly string[];
  readonly uncalled: readonly UncalledHook[];
  readonly needs: readonly Need[];
  /** Files of the site's `config/` that it read while it registered. */
  readonly settings: readonly string[];
  /** What it logged as a warning or worse while it registered. */
  readonly said: readonly string[];
}

/** A setting of Haraka's server, which Sluice does not take from the folder. */
export interface ServerSetting {
  readonly file: string;
  /** `main.listen`, `max.bytes`; null where the file is the value. */
  readonly setting: string | null;
  readonly value: string;
  /** The setting of Sluice that does the same; null where there is none. */
  readonly becomes: { readonly path: string; readonly value: unknown } | null;
  readonly note: string | null;
}

export interface FolderReport {
  /** The folder with `config/` in it. */
  readonly home: string;
  /** The package `Haraka`, whose core plugins and default settings the bridge uses; null where it is not installed. */
  readonly haraka: { readonly version: string | null; readonly path: string } | null;
  readonly plugins: readonly PluginReport[];
  readonly server: readonly ServerSetting[];
  /** A `sluice.yaml` that does the same. */
  readonly fragment: string;
}

const works = (result: PluginResult): boolean => result === 'runs' || result === 'partly';

export const willRun = ({ result }: PluginReport): boolean => works(result);
