interface Entry<T> {
  readonly at: number;
  /** Of two at one time the one that was put in first comes first. */
  readonly order: number;
  readonly value: T;
}

const before = <T>(a: Entry<T>, b: Entry<T>): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** What is to happen, by time: a binary heap. */
export class EventHeap<T> {
  readonly #entries: Entry<T>[] = [];
  #order = 0;

  get size(): number {
    return this.#entries.length;
  }

  put(at: number, value: T): void {
    const entries = this.#entries;
    const entry = { at, order: this.#order, value };
    this.#order += 1;
    let place = entries.push(entry) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = entries[parent];
      if (above === undefined || !before(entry, above)) break;
      entries[place] = above;
      place = parent;
    }
    entries[place] = entry;
  }

  /** The next one; undefined when there is none. */
  take(): { at: number; value: T } | undefined {
    const entries = this.#entries;
    const [first] = entries;
    const last = entries.pop();
    if (first === undefined || last === undefined) return undefined;
    if (entries.length > 0) this.#sink(last);
    return first;
  }

  #sink(entry: Entry<T>): void {
    const entries = this.#entries;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      const [left, right] = [entries[child], entries[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && before(right, left)) child += 1;
      const below = entries[child];
      if (below === undefined || !before(below, entry)) break;
      entries[place] = below;
      place = child;
    }
    entries[place] = entry;
  }
}
