import type { Clock } from '../../core/domain/clock.ts';

export interface BreakerSettings {
  /** Connections failed in a row before it opens. */
  readonly failures: number;
  /** Longest wait between two probes, in milliseconds. */
  readonly probe: number;
  /** How long mail is put off that is not to be the next probe, in milliseconds. */
  readonly hold: number;
}

export type Passage = { readonly pass: true } | { readonly pass: false; readonly until: number };

const firstWait = 1_000;

/**
 * Keeps mail from an upstream that cannot be reached. Closed: everything passes. Open: one message at a time passes,
 * as a probe, after a wait that doubles up to `probe`; all else is told to come back later. Nothing waits inside.
 */
export class Breaker {
  readonly #settings: BreakerSettings;
  readonly #clock: Clock;
  readonly #random: () => number;
  #failed = 0;
  #wait = firstWait;
  #probeAt = 0;
  #probing = false;
  /** The next probe has been promised to a message. */
  #promised = false;
  #open = false;

  constructor(settings: BreakerSettings, clock: Clock, random: () => number = Math.random) {
    this.#settings = settings;
    this.#clock = clock;
    this.#random = random;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  get isProbing(): boolean {
    return this.#probing;
  }

  /** Asks to use the upstream. Whoever passes reports back by `succeeded`, `failed` or `undecided`. */
  pass(): Passage {
    if (!this.#open) return { pass: true };
    if (this.#probing || this.#clock.now() < this.#probeAt) return { pass: false, until: this.later() };
    this.#probing = true;
    return { pass: true };
  }

  /** A session came as far as MAIL. */
  succeeded(): void {
    this.#failed = 0;
    this.#wait = firstWait;
    this.#probing = false;
    this.#open = false;
  }

  /** A probe ended before anything was learnt, because its message was taken away. */
  undecided(): void {
    this.#probing = false;
  }

  /** No session could be had. `ours`: the fault is in our settings, so that more tries at once are of no use. Answers when this message may come again. */
  failed(ours: boolean): number {
    this.#failed += 1;
    if (!this.#open && !ours && this.#failed < this.#settings.failures) {
      return this.#clock.now() + this.#jitter(firstWait * 2);
    }
    if (!this.#open || this.#probing) {
      // Several connections fail together when an upstream goes away; only a probe lengthens the wait.
      if (this.#open) this.#wait = Math.min(this.#wait * 2, this.#settings.probe);
      this.#open = true;
      this.#probing = false;
      this.#promised = false;
      this.#probeAt = this.#clock.now() + this.#jitter(Math.min(this.#wait, this.#settings.probe));
    }
    return this.later();
  }

  /** When held mail may come again: the first to ask comes back as the probe, the others after `hold`; recovery wakes them before. */
  later(): number {
    const now = this.#clock.now();
    if (!this.#promised && this.#probeAt > now) {
      this.#promised = true;
      return this.#probeAt;
    }
    return now + this.#jitter(this.#settings.hold);
  }

  /** Between half and all of it. */
  #jitter(milliseconds: number): number {
    return Math.round(milliseconds * (1 - this.#random() / 2));
  }
}
