/** One entry of `plugins:` in the configuration, as the registry takes it; durations in milliseconds. */
export interface PluginSettings {
  /** Default: the value of `use`. */
  readonly id?: string | undefined;
  readonly use: string;
  readonly enabled: boolean;
  /** Names of listeners; default all. */
  readonly listeners?: readonly string[] | undefined;
  readonly timeout: number;
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly priority: number;
  readonly may_grant: boolean;
  readonly config: Readonly<Record<string, unknown>>;
}

export const pluginId = (settings: PluginSettings): string => settings.id ?? settings.use;
