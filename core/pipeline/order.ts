import { SluiceError } from '../domain/errors.ts';

/** A handler's place: `before` and `after` name plugin ids. */
export interface Placed {
  /** Id of the plugin it belongs to; several handlers may share one. */
  readonly id: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly priority: number;
}

/** For each handler, by index, the indexes of those that have to come before it. */
function predecessors(items: readonly Placed[]): Set<number>[] {
  const byId = new Map<string, number[]>();
  items.forEach((item, index) => {
    const same = byId.get(item.id);
    if (same === undefined) byId.set(item.id, [index]);
    else same.push(index);
  });
  const earlier = items.map(() => new Set<number>());
  items.forEach((item, index) => {
    for (const name of item.before) for (const other of byId.get(name) ?? []) earlier[other]?.add(index);
    for (const name of item.after) for (const other of byId.get(name) ?? []) earlier[index]?.add(other);
  });
  return earlier;
}

/** Follows predecessors that are still open until one comes round again: the circle, by name, in running order. */
function circle(items: readonly Placed[], earlier: readonly Set<number>[], open: ReadonlySet<number>): string[] {
  const path: number[] = [];
  let at = Math.min(...open);
  while (!path.includes(at)) {
    path.push(at);
    const next = [...(earlier[at] ?? [])].find((index) => open.has(index));
    if (next === undefined) break;
    at = next;
  }
  const names = [...path.slice(path.indexOf(at)), at].map((index) => items[index]?.id ?? '');
  return names.reverse();
}

/**
 * Sorts the handlers of one hook: `before` and `after` hold always; among those free to go, lower priority first, then
 * the order given. Names that no handler has are passed over. Throws `PLUGIN_ORDER_CYCLE` naming the circle.
 */
export function sortHandlers<T extends Placed>(items: readonly T[], hook: string): T[] {
  const earlier = predecessors(items);
  const open = new Set(items.keys());
  const sorted: T[] = [];
  while (open.size > 0) {
    let best: number | undefined;
    for (const index of open) {
      const blocked = [...(earlier[index] ?? [])].some((other) => open.has(other));
      if (blocked) continue;
      // `open` is walked in the order given: only a lower priority takes the place.
      if (best === undefined || (items[index]?.priority ?? 0) < (items[best]?.priority ?? 0)) best = index;
    }
    const item = best === undefined ? undefined : items[best];
    if (best === undefined || item === undefined) {
      const names = circle(items, earlier, open).join(' → ');
      throw new SluiceError(
        'PLUGIN_ORDER_CYCLE',
        `before/after of the hook ${hook} go in a circle: ${names}. Take one of them out of the configuration.`,
      );
    }
    open.delete(best);
    sorted.push(item);
  }
  return sorted;
}
