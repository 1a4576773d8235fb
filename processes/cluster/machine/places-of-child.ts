import type { ConnectionCounts, CountedPlace, NoPlace } from '../../../core/smtp/connection-counts.ts';

/** What one child holds of the places that the primary counts. */
export class PlacesOfChild {
  readonly #counts: ConnectionCounts;
  readonly #places = new Map<number, CountedPlace>();
  #given = 0;

  constructor(counts: ConnectionCounts) {
    this.#counts = counts;
  }

  enter(address: string | null): number | NoPlace {
    const place = this.#counts.enter(address);
    if (typeof place === 'string') return place;
    this.#places.set(++this.#given, place);
    return this.#given;
  }

  assign(place: number, address: string): boolean {
    return this.#places.get(place)?.assign(address) ?? false;
  }

  leave(place: number): void {
    this.#places.get(place)?.leave();
    this.#places.delete(place);
  }

  /** The child is gone, and its connections with it. */
  leaveAll(): void {
    for (const place of this.#places.keys()) this.leave(place);
  }
}
