import { setTimeout as pause } from 'node:timers/promises';
import { uuidv7 } from 'uuidv7';
import type { Clock } from '../domain/clock.ts';
import { SluiceError } from '../domain/errors.ts';
import type { Bus } from '../storage/ports/bus.ts';
import type { ProcessList, ProcessRecord, ProcessRole } from '../storage/ports/processes.ts';
import type { Rehearsals } from '../storage/ports/rehearsals.ts';
import type { SettingsOverlay } from '../storage/ports/settings.ts';
import type { Fleet, Trial } from './settings-versions.ts';

/** Milliseconds. */
export interface FleetPatience {
  /** A process that did not tell of itself for so long is not waited for. */
  readonly lapse: number;
  /** A candidate that not all have built by then is rejected. */
  readonly decision: number;
}

export interface FleetViewOptions {
  readonly processes: ProcessList;
  readonly rehearsals: Rehearsals;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly patience: FleetPatience;
}

/** What the living processes say of a candidate. */
export interface CandidateState {
  readonly failed: { readonly process: ProcessRecord; readonly reason: string } | null;
  readonly waiting: readonly ProcessRecord[];
  /** Kinds of process that judge or deliver mail, and of which none lives. */
  readonly missing: readonly ProcessRole[];
}

const needed: readonly ProcessRole[] = ['smtp', 'worker'];
const lookMilliseconds = 100;

/** For people: who this is. */
export const nameOfProcess = ({ host, pid, roles }: Pick<ProcessRecord, 'host' | 'pid' | 'roles'>): string =>
  `${roles.join('+')} ${host}:${pid}`;

/**
 * The processes of a cluster as this one sees them: alive is whose beats grow, by the clock of the watcher. One that
 * was never seen before counts as alive until its first lapse is over.
 */
export class FleetView implements Fleet {
  readonly #options: FleetViewOptions;
  #living: readonly ProcessRecord[] = [];
  readonly #seen = new Map<string, { beats: number; at: number }>();

  constructor(options: FleetViewOptions) {
    this.#options = options;
  }

  async living(): Promise<readonly ProcessRecord[]> {
    const records = await this.#options.processes.list();
    const now = performance.now();
    const known = new Set(records.map(({ id }) => id));
    for (const id of this.#seen.keys()) if (!known.has(id)) this.#seen.delete(id);
    this.#living = records.filter(({ id, beats }) => {
      const before = this.#seen.get(id);
      if (before?.beats === beats) return now - before.at < this.#options.patience.lapse;
      this.#seen.set(id, { beats, at: now });
      return true;
    });
    return this.#living;
  }

  /** Those that lived when it was last looked. */
  get known(): readonly ProcessRecord[] {
    return this.#living;
  }

  async candidate(version: number): Promise<CandidateState> {
    const judging = (await this.living()).filter(({ roles }) => roles.some((role) => needed.includes(role)));
    const failed = judging.find(({ built }) => built?.version === version && built.error !== null);
    return {
      failed: failed === undefined ? null : { process: failed, reason: failed.built?.error ?? '' },
      waiting: judging.filter(({ built }) => built?.version !== version),
      missing: needed.filter((role) => !judging.some(({ roles }) => roles.includes(role))),
    };
  }

  async followed(version: number): Promise<void> {
    const deadline = performance.now() + this.#options.patience.lapse;
    const behind = ({ roles, settings, unfit }: ProcessRecord) =>
      roles.some((role) => needed.includes(role)) && settings !== version && unfit === null;
    while ((await this.living()).some(behind) && performance.now() < deadline) await pause(lookMilliseconds);
  }

  async rehearse(overlay: SettingsOverlay, version: number): Promise<readonly Trial[]> {
    const deadline = performance.now() + this.#options.patience.decision;
    const trials = await Promise.all(needed.map((role) => this.#rehearseAs(role, overlay, { version, deadline })));
    // One that does both was asked for both.
    return [...new Map(trials.map((trial) => [trial.process, trial])).values()];
  }

  /** Asks one process of the role; another, where it falls silent. */
  async #rehearseAs(
    role: ProcessRole,
    overlay: SettingsOverlay,
    { version, deadline }: { readonly version: number; readonly deadline: number },
  ): Promise<Trial> {
    const { rehearsals, bus, clock } = this.#options;
    for (;;) {
      const candidates = (await this.living()).filter(({ roles }) => roles.includes(role));
      const chosen = candidates.find(({ rehearsed }) => rehearsed !== undefined);
      if (chosen === undefined) {
        const [old] = candidates;
        if (old === undefined) return { process: role, built: false, reason: 'not tried: no such process runs' };
        const reason = `not tried: its release ${old.release} knows no dry run`;
        return { process: nameOfProcess(old), built: false, reason };
      }
      const id = uuidv7();
      await rehearsals.propose({ id, overlay, by: chosen.id, at: clock.now() });
      try {
        bus.publish({ kind: 'settings', version });
        if (await this.#isBuilt(id, chosen, deadline)) {
          return { process: nameOfProcess(chosen), built: true, reason: null };
        }
      } finally {
        await rehearsals.withdraw(id).catch(() => undefined);
      }
    }
  }

  /** False where the process is gone. */
  async #isBuilt(id: string, { id: asked }: ProcessRecord, deadline: number): Promise<boolean> {
    for (;;) {
      const process = (await this.living()).find((one) => one.id === asked);
      if (process === undefined) return false;
      const outcome = process.rehearsed?.find((one) => one.id === id);
      if (outcome?.error === null) return true;
      const who = nameOfProcess(process);
      if (outcome !== undefined) {
        throw new SluiceError('PLUGIN_START_FAILED', `the process ${who} cannot build it: ${outcome.error}`);
      }
      if (performance.now() >= deadline) {
        throw new SluiceError('PLUGIN_START_FAILED', `the process ${who} did not build it in time`);
      }
      await pause(lookMilliseconds);
    }
  }

  async agree(version: number): Promise<'agreed' | 'undecided'> {
    const { bus, patience } = this.#options;
    const deadline = performance.now() + patience.decision;
    bus.publish({ kind: 'settings', version });
    for (;;) {
      const { failed, waiting, missing } = await this.candidate(version);
      if (failed !== null) {
        const who = nameOfProcess(failed.process);
        throw new SluiceError('PLUGIN_START_FAILED', `the process ${who} cannot build it: ${failed.reason}`);
      }
      if (waiting.length === 0 && missing.length === 0) return 'agreed';
      if (performance.now() >= deadline) {
        const [late] = waiting;
        if (late === undefined) return 'undecided';
        throw new SluiceError('PLUGIN_START_FAILED', `the process ${nameOfProcess(late)} did not build it in time`);
      }
      await pause(lookMilliseconds);
    }
  }
}
