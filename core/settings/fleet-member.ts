import type { Clock } from '../domain/clock.ts';
import type { Logger } from '../observability/log.ts';
import type { Bus } from '../storage/ports/bus.ts';
import type { ProcessList, ProcessState } from '../storage/ports/processes.ts';
import type { Rehearsal, Rehearsals } from '../storage/ports/rehearsals.ts';
import type { SettingsStore, SettingsVersion } from '../storage/ports/settings.ts';
import type { SettingsVersions } from './settings-versions.ts';

export interface FleetMemberOptions {
  readonly who: Pick<ProcessState, 'id' | 'roles' | 'host' | 'pid' | 'release' | 'startedAt'>;
  /** What runs here, and how it is. */
  readonly running: () => Pick<ProcessState, 'hooks' | 'upstreams'>;
  readonly processes: ProcessList;
  readonly rehearsals: Rehearsals;
  readonly settings: SettingsStore;
  readonly versions: Pick<SettingsVersions, 'current' | 'follow' | 'tryCandidate'>;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often it tells of itself and looks which version is current, in milliseconds. */
  readonly beat: number;
  /** A process that could not look for so long gives no verdicts, in milliseconds. */
  readonly outdated: number;
  /** Called in each round; for what is to be watched as often. */
  readonly alongside?: (() => Promise<void>) | undefined;
}

/** Versions that transactions may still be at, at most. */
const mostAllowed = 100;

/**
 * This process among the others: tells every two seconds that it lives and what it runs, builds candidates, follows
 * what becomes current. It judges only while it knows which version that is: time it spent frozen or cut off counts, so
 * that it knows before its next verdict.
 */
export class FleetMember {
  readonly #options: FleetMemberOptions;
  readonly #unsubscribe: () => void;
  /** Since the last time it knew all versions that were current meanwhile. */
  readonly #allowed = new Set<number>();
  #knownAt: number;
  #built: ProcessState['built'] = null;
  #unfit: string | null = null;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | null = null;
  #again = false;
  #building: Promise<void> | null = null;
  /** What became of the dry runs that this process is asked for, by their ids. */
  #rehearsed = new Map<string, string | null>();
  #rehearsing: Promise<void> | null = null;
  #closed = false;

  private constructor(options: FleetMemberOptions) {
    this.#options = options;
    this.#knownAt = performance.now();
    this.#allowed.add(options.versions.current.number);
    this.#unsubscribe = options.bus.subscribe((event) => {
      if (event.kind === 'settings' || event.kind === 'missed') this.#look();
    });
  }

  /** Resolves when the other processes can see it. The version in force has to run already. */
  static async join(options: FleetMemberOptions): Promise<FleetMember> {
    const member = new FleetMember(options);
    await member.#beat();
    member.#look();
    return member;
  }

  /** False where this process cannot know that the version may still judge mail. */
  readonly mayJudge = (version: number): boolean =>
    this.#unfit === null && !this.#isOutdated() && this.#allowed.has(version);

  /** Why it gives no verdicts; null while all is well. */
  get ailment(): string | null {
    if (this.#unfit !== null) return this.#unfit;
    return this.#isOutdated() ? 'it could not learn which settings are in force' : null;
  }

  /** Leaves: the others do not wait for it any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#unsubscribe();
    clearTimeout(this.#timer);
    await this.#round;
    await this.#building;
    await this.#rehearsing;
    await this.#options.processes.leave(this.#options.who.id).catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'this process could not sign off; the others notice by its silence');
    });
  }

  #isOutdated(): boolean {
    return performance.now() - this.#knownAt > this.#options.outdated;
  }

  /** A round now; and, if one is under way, another after it. */
  #look(): void {
    if (this.#closed) return;
    if (this.#round !== null) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#round = this.#goRound().finally(() => {
      this.#round = null;
      if (this.#closed) return;
      if (this.#again) {
        this.#again = false;
        this.#look();
      } else this.#timer = setTimeout(() => this.#look(), this.#options.beat).unref();
    });
  }

  async #goRound(): Promise<void> {
    const { log, alongside } = this.#options;
    try {
      await this.#follow();
      await this.#findCandidate();
      await this.#findRehearsal();
      await this.#beat();
      await alongside?.();
    } catch (error) {
      log.error({ err: error }, 'cannot look which settings are in force; after 5 s no mail is judged by the old ones');
    }
  }

  async #follow(): Promise<void> {
    const { settings, versions, log } = this.#options;
    const began = performance.now();
    const current = await settings.current();
    // Of what began before it was frozen or cut off, nothing goes on: another version may have been current meanwhile.
    if (this.#isOutdated()) this.#allowed.clear();
    // Before it runs here, so that what begins with it is not put off.
    if (current !== null) this.#allowed.add(current.number);
    if (current !== null && current.number !== versions.current.number) {
      try {
        await versions.follow();
      } catch (error) {
        const before = this.#unfit;
        this.#unfit = `version ${current.number} is current, and cannot be built here: ${messageOf(error)}`;
        if (this.#unfit !== before)
          log.fatal(
            { err: error, version: current.number },
            'cannot run the current settings; mail gets 451 until it can',
          );
        await this.#beat();
        return;
      }
      log.info({ version: versions.current.number }, 'settings of the plugins changed');
    }
    if (this.#unfit !== null) log.info('the current settings run again');
    this.#unfit = null;
    this.#allowed.add(versions.current.number);
    for (const version of this.#allowed) {
      if (this.#allowed.size <= mostAllowed) break;
      this.#allowed.delete(version);
    }
    this.#knownAt = began;
  }

  async #findCandidate(): Promise<void> {
    const { settings, versions } = this.#options;
    const latest = await settings.latest();
    if (latest <= versions.current.number || this.#built?.version === latest || this.#building !== null) return;
    const candidate = await settings.version(latest);
    if (candidate?.state !== 'candidate') return;
    // Plugins may take long to start; meanwhile this process has to be seen alive.
    this.#building = this.#build(candidate).finally(() => {
      this.#building = null;
      this.#look();
    });
  }

  async #build(candidate: SettingsVersion): Promise<void> {
    this.#built = { version: candidate.number, error: await this.#try(candidate) };
  }

  async #findRehearsal(): Promise<void> {
    const asked = await this.#options.rehearsals.of(this.#options.who.id);
    this.#rehearsed = new Map([...this.#rehearsed].filter(([id]) => asked.some((one) => one.id === id)));
    const next = asked.find(({ id }) => !this.#rehearsed.has(id));
    if (next === undefined || this.#rehearsing !== null) return;
    this.#rehearsing = this.#rehearse(next).finally(() => {
      this.#rehearsing = null;
      this.#look();
    });
  }

  async #rehearse(rehearsal: Rehearsal): Promise<void> {
    const error = await this.#try(rehearsal);
    this.#rehearsed.set(rehearsal.id, error);
  }

  /** Builds it and closes it again; answers why it cannot be built. */
  async #try(settings: Pick<SettingsVersion, 'overlay'>): Promise<string | null> {
    try {
      await this.#options.versions.tryCandidate(settings);
      return null;
    } catch (error) {
      return messageOf(error);
    }
  }

  #beat(): Promise<void> {
    const { processes, who, running, versions, clock } = this.#options;
    const settings = versions.current.number;
    const rehearsed = [...this.#rehearsed].map(([id, error]) => ({ id, error }));
    const told = { settings, built: this.#built, rehearsed, unfit: this.#unfit };
    return processes.beat({ ...who, ...running(), ...told }, clock.now());
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
