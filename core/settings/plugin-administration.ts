import { isDeepStrictEqual } from 'node:util';
import type { LoadedConfiguration } from '../config/load.ts';
import { composedPatch, type PluginOverlay as OpenOverlay, patchedPaths } from '../config/plugin-overlay.ts';
import type { PluginEntry } from '../config/schema.ts';
import { hidden, replaceSecrets } from '../config/secret-settings.ts';
import { pathId, showPath } from '../config/setting-path.ts';
import type { Clock } from '../domain/clock.ts';
import { SluiceError } from '../domain/errors.ts';
import type { Plugin } from '../pipeline/plugin.ts';
import type { Bus } from '../storage/ports/bus.ts';
import type { PluginOverlay, SettingsOverlay, SettingsStore, SettingsVersion } from '../storage/ports/settings.ts';
import {
  describePlugin,
  differences,
  entrySchema,
  idOf,
  type PluginDescription,
  type SettingDifference,
} from './plugin-description.ts';
import { openOverlay, type Sealing, sealedPatch, sealKey } from './sealed-overlay.ts';

/** Where plugins run: what is put in force there is in force everywhere, or nowhere. */
export interface PluginRuntime {
  apply(plugins: readonly PluginEntry[], version: number): Promise<void>;
  /** Builds them and closes them again. */
  rehearse(plugins: readonly PluginEntry[]): Promise<void>;
}

export interface PluginAdministrationOptions {
  readonly settings: SettingsStore;
  readonly sealing: Sealing;
  /** The same text has the same fingerprint, under the server's key. */
  readonly fingerprint: (text: string) => string;
  /** Reads file and environment, with this between them. */
  readonly read: (overlay: OpenOverlay) => Promise<LoadedConfiguration>;
  readonly load: (use: string) => Promise<Plugin>;
  readonly bus: Bus;
  readonly clock: Clock;
}

/** Who asks for a change, and how. */
export interface SettingsRequest {
  readonly author: string | null;
  /** The version it is meant for; `PRECONDITION_FAILED` if another is in force. */
  readonly ifVersion?: number | undefined;
  /** Say what would change and whether it builds; change nothing. */
  readonly dryRun?: boolean;
}

export interface SettingsOutcome {
  /** The version in force; the one before in a dry run. */
  readonly version: number;
  readonly changes: readonly SettingDifference[];
}

interface InForce {
  readonly number: number;
  readonly overlay: SettingsOverlay;
  readonly loaded: LoadedConfiguration;
}

type Patch = Readonly<Record<string, unknown>>;

const emptyOverlay: SettingsOverlay = { plugins: {}, order: null };

/**
 * The settings of the plugins as file, API and environment make them together. Each change is a version: stored as a
 * candidate, built wherever plugins run, and current only then; one that cannot be built is rejected with the reason,
 * and nothing has changed.
 */
export class PluginAdministration {
  readonly #options: PluginAdministrationOptions;
  #runtime: PluginRuntime | null = null;
  #current: InForce;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: PluginAdministrationOptions, current: InForce) {
    this.#options = options;
    this.#current = current;
  }

  /**
   * Reads what is to be in force. A file or environment that changed while nothing ran makes a version of its own; it
   * is accepted by `started`. Throws what `loadConfiguration` throws.
   */
  static async prepare(options: PluginAdministrationOptions): Promise<PluginAdministration> {
    const { settings, clock } = options;
    const latest = await settings.latest();
    // Left behind by a process that ended before the change was in force.
    await settings.reject(latest, 'the process ended before it was in force');
    const stored = await settings.current();
    const overlay = stored?.overlay ?? emptyOverlay;
    const loaded = await options.read(openOverlay(overlay, options.sealing));
    const fingerprint = fingerprintOf(loaded, options);
    let number = stored?.number ?? 0;
    if (stored === null || stored.fingerprint !== fingerprint) {
      number = latest + 1;
      await settings.propose({ number, overlay, fingerprint, cause: 'start', author: null, at: clock.now() });
    }
    return new PluginAdministration(options, { number, overlay, loaded });
  }

  /** The version in force runs, in `runtime`; from here on it can be changed. */
  async started(runtime: PluginRuntime): Promise<void> {
    this.#runtime = runtime;
    await this.#options.settings.accept(this.#current.number);
  }

  /** Number of the version in force. */
  get version(): number {
    return this.#current.number;
  }

  /** File, API and environment as they are in force. */
  get loaded(): LoadedConfiguration {
    return this.#current.loaded;
  }

  get plugins(): readonly PluginEntry[] {
    return this.#current.loaded.config.plugins;
  }

  /** The plugins in the order of the configuration. */
  async describe(): Promise<PluginDescription[]> {
    const { loaded } = this.#current;
    return Promise.all(
      loaded.config.plugins.map(async (entry) =>
        describePlugin(entry, await this.#find(entry.use), loaded, this.#drift(idOf(entry))),
      ),
    );
  }

  /** Throws `NOT_FOUND`. */
  async describeOne(id: string): Promise<PluginDescription> {
    const found = (await this.describe()).find((plugin) => plugin.id === id);
    if (found === undefined) throw new SluiceError('NOT_FOUND', 'there is no such plugin in the configuration');
    return found;
  }

  history(options: { after?: string; limit: number }) {
    return this.#options.settings.list(options);
  }

  /** Lays a merge patch over a plugin's entry. Throws `NOT_FOUND`, `CONFLICT` for what the environment sets. */
  change(id: string, patch: Patch, request: SettingsRequest): Promise<SettingsOutcome> {
    return this.#propose('change', request, async ({ overlay, loaded }) => {
      const { plugin } = await this.describeOne(id);
      const node = entrySchema(plugin);
      refuseSeals(patch, id);
      // A secret that comes back as it was shown stays as it is.
      const wanted = replaceSecrets(patch, node, (secret) => (secret === hidden ? undefined : secret)) as Patch;
      const paths = patchedPaths(wanted);
      refuseFixed(id, paths, loaded);
      const before = overlay.plugins[id];
      const old = openOverlay(overlay, this.#options.sealing).plugins[id] ?? {};
      const entry: PluginOverlay = {
        patch: sealedPatch(id, composedPatch(old, wanted), node, this.#options.sealing),
        beneath: { ...before?.beneath, ...this.#beneath(id, paths, loaded) },
      };
      return { ...overlay, plugins: { ...overlay.plugins, [id]: entry } };
    });
  }

  /** Puts the plugins into this order, which has to name each once; null: that of the file. */
  reorder(order: readonly string[] | null, request: SettingsRequest): Promise<SettingsOutcome> {
    return this.#propose('order', request, async ({ overlay, loaded }) => {
      const ids = loaded.config.plugins.map(idOf).toSorted();
      if (order !== null && !isDeepStrictEqual(order.toSorted(), ids)) {
        const message = `has to name each plugin once: ${ids.join(', ')}`;
        throw new SluiceError('REQUEST_INVALID', `body.order ${message}`, {
          problems: [{ path: 'body.order', message }],
        });
      }
      return { ...overlay, order };
    });
  }

  /** Drops what the API set of a plugin. Throws `NOT_FOUND` where the API set nothing. */
  reset(id: string, request: SettingsRequest): Promise<SettingsOutcome> {
    return this.#propose('reset', request, async ({ overlay }) => withoutPatch(overlay, id));
  }

  /** Puts what the API had set in an earlier version in force again, as a new version. Throws `NOT_FOUND`, `CONFLICT`. */
  rollBack(number: number, request: SettingsRequest): Promise<SettingsOutcome> {
    return this.#propose('roll-back', request, async () => {
      const version = await this.#options.settings.version(number);
      if (version === null) throw new SluiceError('NOT_FOUND', 'there is no such version of the settings');
      if (version.state === 'rejected') {
        throw new SluiceError('CONFLICT', `version ${number} was never in force: ${version.reason ?? 'rejected'}`);
      }
      return version.overlay;
    });
  }

  /** Reads file and environment again. Throws what is wrong with them, and then nothing has changed. */
  async reload(): Promise<void> {
    await this.#propose('reload', { author: null }, async ({ overlay }) => overlay);
  }

  /** One after the other: each builds on what the one before put in force. */
  #propose(
    cause: SettingsVersion['cause'],
    request: SettingsRequest,
    overlayOf: (current: InForce) => Promise<SettingsOverlay>,
  ): Promise<SettingsOutcome> {
    const done = this.#turn.then(async () => {
      const current = this.#current;
      if (request.ifVersion !== undefined && request.ifVersion !== current.number) {
        const advice = 'read it again and decide anew';
        throw new SluiceError('PRECONDITION_FAILED', `version ${current.number} is in force by now; ${advice}`);
      }
      return this.#putInForce(cause, request, await overlayOf(current));
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #putInForce(
    cause: SettingsVersion['cause'],
    { author, dryRun = false }: SettingsRequest,
    overlay: SettingsOverlay,
  ): Promise<SettingsOutcome> {
    const { settings, bus, clock, read, sealing } = this.#options;
    const before = this.#current;
    const loaded = await read(openOverlay(overlay, sealing));
    const { plugins } = loaded.config;
    const changes = await differences(before.loaded.config.plugins, plugins, (use) => this.#find(use));
    const runtime = this.#running();
    if (dryRun) {
      await runtime.rehearse(plugins);
      return { version: before.number, changes };
    }
    if (isDeepStrictEqual(overlay, before.overlay) && changes.length === 0) {
      // What is not of the plugins, and where in the file things stand, may have changed.
      this.#current = { ...before, loaded };
      return { version: before.number, changes };
    }
    const number = (await settings.latest()) + 1;
    const fingerprint = fingerprintOf(loaded, this.#options);
    if (!(await settings.propose({ number, overlay, fingerprint, cause, author, at: clock.now() }))) {
      throw new SluiceError('CONFLICT', 'another change came first; read the settings again and decide anew');
    }
    try {
      await runtime.apply(plugins, number);
    } catch (error) {
      await settings.reject(
        number,
        error instanceof SluiceError ? error.message : 'it could not be built; see the log',
      );
      throw error;
    }
    try {
      await settings.accept(number);
    } catch (error) {
      await runtime.apply(before.loaded.config.plugins, before.number);
      throw error;
    }
    this.#current = { number, overlay, loaded };
    bus.publish({ kind: 'settings', version: number });
    return { version: number, changes };
  }

  #running(): PluginRuntime {
    if (this.#runtime === null) throw new SluiceError('SERVICE_UNAVAILABLE', 'the plugins are not running yet');
    return this.#runtime;
  }

  /** Null for what cannot be read: a plugin that is off may be missing. */
  async #find(use: string): Promise<Plugin | null> {
    try {
      return await this.#options.load(use);
    } catch (error) {
      if (error instanceof SluiceError) return null;
      throw error;
    }
  }

  #fingerprintAt(id: string, path: readonly string[], loaded: LoadedConfiguration): string {
    return this.#options.fingerprint(JSON.stringify(loaded.written(['plugins', id, ...path])) ?? '');
  }

  #beneath(id: string, paths: readonly (readonly string[])[], loaded: LoadedConfiguration): Record<string, string> {
    return Object.fromEntries(paths.map((path) => [pathId(path), this.#fingerprintAt(id, path, loaded)]));
  }

  #drift(id: string): string[] {
    const { overlay, loaded } = this.#current;
    return Object.entries(overlay.plugins[id]?.beneath ?? {})
      .map(([key, fingerprint]) => ({ path: key.split('\0'), fingerprint }))
      .filter(({ path, fingerprint }) => this.#fingerprintAt(id, path, loaded) !== fingerprint)
      .map(({ path }) => showPath(path));
  }
}

/** What the API set, without that of one plugin. Throws `NOT_FOUND` where it set nothing of it. */
export function withoutPatch(overlay: SettingsOverlay, id: string): SettingsOverlay {
  if (!Object.hasOwn(overlay.plugins, id)) {
    throw new SluiceError('NOT_FOUND', `nothing was set through the API of a plugin ${id}`);
  }
  const { [id]: _, ...plugins } = overlay.plugins;
  return { ...overlay, plugins };
}

const fingerprintOf = (
  { config }: LoadedConfiguration,
  { fingerprint }: Pick<PluginAdministrationOptions, 'fingerprint'>,
) => fingerprint(JSON.stringify(config.plugins));

function refuseFixed(id: string, paths: readonly (readonly string[])[], loaded: LoadedConfiguration): void {
  const problems = paths.flatMap((path) => {
    const variable = loaded.variableAround(['plugins', id, ...path]);
    return variable === undefined ? [] : [{ path: showPath(['body', ...path]), message: `is set by ${variable}` }];
  });
  if (problems.length === 0) return;
  const text = problems.map(({ path, message }) => `${path} ${message}`).join('; ');
  throw new SluiceError('CONFLICT', `${text}: the environment outweighs the API`, { problems });
}

function refuseSeals(patch: Patch, id: string): void {
  const path = patchedPaths(patch).find((keys) => keys.includes(sealKey));
  if (path === undefined && !JSON.stringify(patch).includes(`"${sealKey}"`)) return;
  const message = `${sealKey} is no setting`;
  throw new SluiceError('REQUEST_INVALID', message, { problems: [{ path: showPath(['plugins', id]), message }] });
}
