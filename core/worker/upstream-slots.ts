/** `later`: its upstream keeps up with no more, others need the room. `stop`: nothing begins any more. */
export type Turn = 'go' | 'later' | 'stop';

export interface SlotRules {
  /** Jobs being sent at once. */
  readonly concurrency: number;
  /** Messages claimed beyond these. */
  readonly ahead: number;
  /** How long a job waits before its upstream counts as crowded, in milliseconds. */
  readonly patience: number;
}

/** The jobs of one upstream: those being sent, and those waiting, the oldest first. */
interface Line {
  sending: number;
  readonly waiting: { readonly since: number; readonly resolve: (turn: Turn) => void }[];
  /** Its jobs have waited too long, and none has ended since. */
  crowded: boolean;
}

/** Upstreams remembered that have nothing to do. */
const mostIdleLines = 64;

/**
 * Shares the worker's places out among upstreams, so that one that stalls does not hold up the mail of the others. An
 * upstream may use every place while nobody else wants one, but each may always begin a quarter of them, whatever the
 * others hold; and of what waits for an upstream that does not move all but a few is sent back, so that other mail is
 * claimed in its stead. Where a place is free the answer is a plain value.
 */
export class UpstreamSlots {
  readonly #rules: SlotRules;
  readonly #always: number;
  readonly #lines = new Map<string, Line>();
  #sending = 0;
  #waiting = 0;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(rules: SlotRules) {
    this.#rules = rules;
    this.#always = Math.max(1, Math.floor(rules.concurrency / 4));
  }

  get sending(): number {
    return this.#sending;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Who is answered `go` owes a `leave`. */
  enter(upstream: string): Turn | Promise<Turn> {
    if (this.#stopped) return 'stop';
    const line = this.#line(upstream);
    if (line.waiting.length === 0 && this.#hasRoom(line)) return this.#begin(line);
    if (line.crowded && line.waiting.length >= this.#kept) return 'later';
    this.#waiting += 1;
    this.#timer ??= setTimeout(() => this.#look(), this.#rules.patience);
    return new Promise((resolve) => line.waiting.push({ since: performance.now(), resolve }));
  }

  leave(upstream: string): void {
    const line = this.#line(upstream);
    line.sending -= 1;
    line.crowded = false;
    this.#sending -= 1;
    for (let next = this.#next(); next !== null; next = this.#next()) this.#answer(next, 'go');
  }

  /** Sends everybody who waits away, and whoever comes. */
  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const line of this.#lines.values()) while (line.waiting.length > 0) this.#answer(line, 'stop');
  }

  /** How many stay in line for an upstream that does not move: all lines together leave half of the room ahead. */
  get #kept(): number {
    return Math.floor(this.#rules.ahead / (2 * Math.max(2, this.#lines.size)));
  }

  #hasRoom(line: Line): boolean {
    return this.#sending < this.#rules.concurrency || line.sending < this.#always;
  }

  #begin(line: Line): 'go' {
    line.sending += 1;
    this.#sending += 1;
    return 'go';
  }

  /** Of the lines that may go on the one with the fewest under way. */
  #next(): Line | null {
    let next: Line | null = null;
    for (const line of this.#lines.values()) {
      if (line.waiting.length === 0 || !this.#hasRoom(line)) continue;
      if (next === null || line.sending < next.sending) next = line;
    }
    return next;
  }

  #answer(line: Line, turn: Turn, waiter = line.waiting.shift()): void {
    if (waiter === undefined) return;
    this.#waiting -= 1;
    if (turn === 'go') this.#begin(line);
    waiter.resolve(turn);
  }

  /** Finds the upstreams whose jobs have waited too long. */
  #look(): void {
    this.#timer = null;
    const since = performance.now() - this.#rules.patience;
    for (const line of this.#lines.values()) {
      const [oldest] = line.waiting;
      if (oldest === undefined || oldest.since > since) continue;
      line.crowded = true;
      while (line.waiting.length > this.#kept) this.#answer(line, 'later', line.waiting.pop());
    }
    if (this.#waiting > 0) this.#timer = setTimeout(() => this.#look(), this.#rules.patience);
  }

  #line(upstream: string): Line {
    const known = this.#lines.get(upstream);
    if (known !== undefined) return known;
    if (this.#lines.size >= mostIdleLines) this.#forgetIdle();
    const line: Line = { sending: 0, waiting: [], crowded: false };
    this.#lines.set(upstream, line);
    return line;
  }

  #forgetIdle(): void {
    for (const [name, { sending, waiting }] of this.#lines) {
      if (sending === 0 && waiting.length === 0) this.#lines.delete(name);
    }
  }
}
