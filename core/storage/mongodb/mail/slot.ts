/**
 * Messages are spread over this many slots by the random end of their id. The slot leads the shard key of `messages`
 * and the index of what is due: a claim names slots, so it goes to the shards that have them, and workers that get in
 * each other's way look at different ones.
 */
export const slots = 64;

export const slotOf = (id: string): number => Number.parseInt(id.slice(-2), 16) % slots;

/** A message's place: every query for one message carries the whole shard key. */
export const placeOf = (id: string): { _id: string; slot: number } => ({ _id: id, slot: slotOf(id) });

/** The same for several. */
export const placesOf = (ids: readonly string[]): { _id: { $in: string[] }; slot: { $in: number[] } } => ({
  _id: { $in: [...ids] },
  slot: { $in: [...new Set(ids.map(slotOf))] },
});
