import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { LoadedConfiguration } from '../config/load.ts';
import type { PluginOverlay as OpenOverlay } from '../config/plugin-overlay.ts';
import type { PluginEntry } from '../config/schema.ts';
import type { Clock } from '../domain/clock.ts';
import { SluiceError } from '../domain/errors.ts';
import type { Bus } from '../storage/ports/bus.ts';
import type { NewSettingsVersion, SettingsOverlay, SettingsStore, SettingsVersion } from '../storage/ports/settings.ts';
import type { SettingDifference } from './plugin-description.ts';
import { openOverlay, type Sealing } from './sealed-overlay.ts';

/** Where plugins run in this process: what is put in force there is in force in all of it, or nowhere. */
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
  /** In a cluster, where a candidate is current only once every process has built it; absent where there is but one. */
  readonly fleet?: Fleet | undefined;
}

/** The other processes, as who puts a version in force sees them. */
export interface Fleet {
  /**
   * Waits until all have built the candidate. `undecided`: no process runs of a kind that is needed, and it stays a
   * candidate until one comes. Rejects with `PLUGIN_START_FAILED`, which names the process that cannot, or does not.
   */
  agree(version: number): Promise<'agreed' | 'undecided'>;
  /**
   * Has one process of each kind that judges mail build it and close it again. Rejects with `PLUGIN_START_FAILED`, which
   * names the process that cannot, or does not in time. `version`: the one in force.
   */
  rehearse(overlay: SettingsOverlay, version: number): Promise<readonly Trial[]>;
  /** Waits, but not for long, until all run the version that has become current. */
  followed(version: number): Promise<void>;
}

/** What became of a dry run in one process. */
export interface Trial {
  /** For people: which process, or which kind where there was none. */
  readonly process: string;
  readonly built: boolean;
  /** Why it was not tried there; null where it was built. */
  readonly reason: string | null;
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
  /** The version in force, or the candidate; the one in force before in a dry run. */
  readonly version: number;
  /** `candidate`: in force once a process runs of each kind that is needed to judge it. */
  readonly state: 'current' | 'candidate';
  readonly changes: readonly SettingDifference[];
  /** Of a dry run in a cluster; what this process runs itself was built here, too. */
  readonly tried?: readonly Trial[];
}

/** The version in force. */
export interface SettingsInForce {
  readonly number: number;
  readonly overlay: SettingsOverlay;
  readonly loaded: LoadedConfiguration;
}

type Cause = SettingsVersion['cause'];

/** A process decides its candidate well within this. Milliseconds. */
export const undecidedMilliseconds = 15_000;
const startPauseMilliseconds = 50;
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
   * is accepted by `started`, in a cluster at once: other processes go on with what their own file says. Throws what
   * `loadConfiguration` throws.
   */
  static async prepare(options: SettingsVersionsOptions): Promise<SettingsVersions> {
    const { settings, fleet } = options;
    if (fleet === undefined) {
      // Left behind by a process that ended before the change was in force.
      await settings.reject(await settings.latest(), 'the process ended before it was in force');
    }
    for (;;) {
      const latest = await settings.latest();
      const stored = await settings.current();
      const inForce = await read(stored, options);
      if (stored !== null && stored.fingerprint === inForce.fingerprint) {
        return new SettingsVersions(options, { ...inForce, number: stored.number });
      }
      if (fleet !== undefined && (await isBeingMade(latest, stored, inForce, options))) {
        await pause(startPauseMilliseconds);
        continue;
      }
      const number = latest + 1;
      const proposed = await settings.propose(newVersion(number, 'start', null, inForce, options));
      if (proposed && fleet !== undefined) await settings.accept(number);
      // Of several processes that start at once with the same file, one makes the version.
      if (proposed || fleet === undefined) return new SettingsVersions(options, { ...inForce, number });
    }
  }

  /** The version in force runs, in `runtime`; from here on it can be changed. */
  async started(runtime: PluginRuntime): Promise<void> {
    this.#runtime = runtime;
    if (this.#options.fleet === undefined) await this.#options.settings.accept(this.#current.number);
  }

  /** Brings the version that is current by now in force here. Throws why it cannot; then the one before stays. */
  follow(): Promise<void> {
    return this.#inTurn(async () => {
      const stored = await this.#options.settings.current();
      if (stored === null || stored.number === this.#current.number) return;
      const next = await read(stored, this.#options);
      await this.#running().apply(next.loaded.config.plugins, stored.number);
      this.#current = { ...next, number: stored.number };
    });
  }

  /** Builds a candidate here and closes it again. Throws why it cannot be built. */
  async tryCandidate(candidate: Pick<SettingsVersion, 'overlay'>): Promise<void> {
    const { loaded } = await read(candidate, this.#options);
    await this.#running().rehearse(loaded.config.plugins);
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
    return this.#inTurn(async () => {
      const current = this.#current;
      if (request.ifVersion !== undefined && request.ifVersion !== current.number) {
        const advice = 'read it again and decide anew';
        throw new SluiceError('PRECONDITION_FAILED', `version ${current.number} is in force by now; ${advice}`);
      }
      return this.#putInForce(cause, request, await overlayOf(current));
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #putInForce(
    cause: Cause,
    { author, dryRun = false }: SettingsRequest,
    overlay: SettingsOverlay,
  ): Promise<SettingsOutcome> {
    const { settings, bus, fleet } = this.#options;
    const before = this.#current;
    const next = await read({ overlay }, this.#options);
    const { loaded } = next;
    const { plugins } = loaded.config;
    const changes = await this.#options.differences(before.loaded.config.plugins, plugins);
    const runtime = this.#running();
    if (dryRun) {
      await runtime.rehearse(plugins);
      const tried = (await fleet?.rehearse(overlay, before.number)) ?? [];
      return { version: before.number, state: 'current', changes, tried };
    }
    if (isDeepStrictEqual(overlay, before.overlay) && changes.length === 0) {
      // What is not of the plugins, and where in the file things stand, may have changed.
      this.#current = { ...before, loaded };
      return { version: before.number, state: 'current', changes };
    }
    const number = await this.#propose(cause, author, next);
    const undo: (() => Promise<void>)[] = [];
    try {
      if ((await fleet?.agree(number)) === 'undecided') return { version: number, state: 'candidate', changes };
      await runtime.apply(plugins, number);
      undo.push(() => runtime.apply(before.loaded.config.plugins, before.number));
      if (!(await settings.accept(number))) throw new SluiceError('CONFLICT', 'another change came first; try again');
    } catch (error) {
      for (const step of undo) await step();
      const reason = error instanceof SluiceError ? error.message : 'it could not be built; see the log';
      // Where even that cannot be stored, the next change or start rejects it.
      await settings.reject(number, reason).catch(() => undefined);
      throw error;
    }
    this.#current = { ...next, number };
    bus.publish({ kind: 'settings', version: number });
    // It is in force whoever of them cannot be looked at.
    await fleet?.followed(number).catch(() => undefined);
    return { version: number, state: 'current', changes };
  }

  /** Stores a candidate; answers its number. `CONFLICT` where another change is under way. */
  async #propose(cause: Cause, author: string | null, next: Reading): Promise<number> {
    const { settings, clock } = this.#options;
    const busy = new SluiceError('CONFLICT', 'another change came first; read the settings again and decide anew');
    const latest = await settings.latest();
    const pending = await settings.version(latest);
    if (pending?.state === 'candidate') {
      // Its own process decides it within seconds; what is older was left behind, or waits for processes that do not come.
      if (clock.now() - pending.at < undecidedMilliseconds) throw busy;
      await settings.reject(latest, 'another change took its place before it was in force');
    }
    if (!(await settings.propose(newVersion(latest + 1, cause, author, next, this.#options)))) throw busy;
    return latest + 1;
  }

  #running(): PluginRuntime {
    if (this.#runtime === null) throw new SluiceError('SERVICE_UNAVAILABLE', 'the plugins are not running yet');
    return this.#runtime;
  }
}

/**
 * Whether another process, which started at the same time with the same file, is about to accept its version, or has
 * done so since `stored` was read as what is current.
 */
async function isBeingMade(
  latest: number,
  stored: SettingsVersion | null,
  { fingerprint }: Reading,
  { settings, clock }: Pick<SettingsVersionsOptions, 'settings' | 'clock'>,
): Promise<boolean> {
  const pending = await settings.version(latest);
  if (pending?.state === 'current') return pending.number !== stored?.number;
  return (
    pending?.state === 'candidate' &&
    pending.cause === 'start' &&
    pending.fingerprint === fingerprint &&
    clock.now() - pending.at < undecidedMilliseconds
  );
}

/** What an overlay makes of file and environment. */
interface Reading {
  readonly overlay: SettingsOverlay;
  readonly loaded: LoadedConfiguration;
  readonly fingerprint: string;
}

async function read(
  stored: Pick<SettingsVersion, 'overlay'> | null,
  { read: load, sealing, fingerprint }: Pick<SettingsVersionsOptions, 'read' | 'sealing' | 'fingerprint'>,
): Promise<Reading> {
  const overlay = stored?.overlay ?? emptyOverlay;
  const loaded = await load(openOverlay(overlay, sealing));
  return { overlay, loaded, fingerprint: fingerprint(JSON.stringify(loaded.config.plugins)) };
}

const newVersion = (
  number: number,
  cause: Cause,
  author: string | null,
  { overlay, fingerprint }: Reading,
  { clock }: Pick<SettingsVersionsOptions, 'clock'>,
): NewSettingsVersion => ({ number, overlay, fingerprint, cause, author, at: clock.now() });
