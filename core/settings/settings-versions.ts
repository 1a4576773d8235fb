import { isDeepStrictEqual } from 'node:util';
import type { LoadedConfiguration } from '../config/load.ts';
import type { PluginOverlay as OpenOverlay } from '../config/plugin-overlay.ts';
import type { PluginEntry } from '../config/schema.ts';
import type { Clock } from '../domain/clock.ts';
import { SluiceError } from '../domain/errors.ts';
import type { Bus } from '../storage/ports/bus.ts';
import type { SettingsOverlay, SettingsStore, SettingsVersion } from '../storage/ports/settings.ts';
import type { SettingDifference } from './plugin-description.ts';
import { openOverlay, type Sealing } from './sealed-overlay.ts';

/** Where plugins run: what is put in force there is in force everywhere, or nowhere. */
export interface PluginRuntime {
  apply(plugins: readonly PluginEntry[], version: number): Promise<void>;
  /** Builds them and closes them again. */
  rehearse(plugins: readonly PluginEntry[]): Promise<void>;
}

export interface SettingsVersionsOptions {
  readonly settings: SettingsStore;
  readonly sealing: Sealing;
  /** The same text has the same fingerprint, under the server's key. */
  readonly fingerprint: (text: string) => string;
  /** Reads file and environment, with this between them. */
  readonly read: (overlay: OpenOverlay) => Promise<LoadedConfiguration>;
  /** What a change from one list of plugins to another changes. */
  readonly differences: (
    before: readonly PluginEntry[],
    after: readonly PluginEntry[],
  ) => Promise<readonly SettingDifference[]>;
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

/** The version in force. */
export interface SettingsInForce {
  readonly number: number;
  readonly overlay: SettingsOverlay;
  readonly loaded: LoadedConfiguration;
}

type Cause = SettingsVersion['cause'];

const emptyOverlay: SettingsOverlay = { plugins: {}, order: null };

/**
 * Puts versions of the plugins' settings in force, one after the other: each is stored as a candidate, built wherever
 * plugins run, and current only then; one that cannot be built is rejected with the reason, and nothing has changed.
 */
export class SettingsVersions {
  readonly #options: SettingsVersionsOptions;
  #runtime: PluginRuntime | null = null;
  #current: SettingsInForce;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: SettingsVersionsOptions, current: SettingsInForce) {
    this.#options = options;
    this.#current = current;
  }

  /**
   * Reads what is to be in force. A file or environment that changed while nothing ran makes a version of its own; it
   * is accepted by `started`. Throws what `loadConfiguration` throws.
   */
  static async prepare(options: SettingsVersionsOptions): Promise<SettingsVersions> {
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
    return new SettingsVersions(options, { number, overlay, loaded });
  }

  /** The version in force runs, in `runtime`; from here on it can be changed. */
  async started(runtime: PluginRuntime): Promise<void> {
    this.#runtime = runtime;
    await this.#options.settings.accept(this.#current.number);
  }

  get current(): SettingsInForce {
    return this.#current;
  }

  /**
   * Makes what `overlayOf` answers the version in force; each builds on what the one before put in force. Rejects with
   * `PRECONDITION_FAILED`, `CONFLICT` (another process came first), or with why it cannot be built.
   */
  propose(
    cause: Cause,
    request: SettingsRequest,
    overlayOf: (current: SettingsInForce) => Promise<SettingsOverlay>,
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
    cause: Cause,
    { author, dryRun = false }: SettingsRequest,
    overlay: SettingsOverlay,
  ): Promise<SettingsOutcome> {
    const { settings, bus, clock, read, sealing } = this.#options;
    const before = this.#current;
    const loaded = await read(openOverlay(overlay, sealing));
    const { plugins } = loaded.config;
    const changes = await this.#options.differences(before.loaded.config.plugins, plugins);
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
}

const fingerprintOf = (
  { config }: LoadedConfiguration,
  { fingerprint }: Pick<SettingsVersionsOptions, 'fingerprint'>,
) => fingerprint(JSON.stringify(config.plugins));
