import { BSON, type Document } from 'mongodb';
import type { WireCommand } from '../../tests/support/mongodb-proxy.ts';

export interface CommandCount {
  commands: number;
  writes: number;
  inserted: number;
}

const payload: Readonly<Record<string, string>> = { insert: 'documents', update: 'updates', delete: 'deletes' };

/** Counts what passes a proxy in front of MongoDB, by collection. */
export class CommandCounts {
  #counts = new Map<string, CommandCount>();

  count({ name, collection, body, documents }: WireCommand): void {
    // A cursor that goes on names its collection beside.
    const about = name === 'getMore' ? String(body.collection) : collection;
    if (!/^[a-z_]+$/.test(about) || name === 'hello' || name === 'ismaster' || name === 'ping') return;
    const found = this.#counts.get(about) ?? { commands: 0, writes: 0, inserted: 0 };
    this.#counts.set(about, found);
    found.commands += 1;
    if (name === 'findAndModify') found.writes += 1;
    const field = payload[name];
    if (field === undefined) return;
    const operations: readonly Document[] = documents.length > 0 ? documents : (body[field] ?? []);
    found.writes += operations.length;
    if (name === 'insert') for (const one of operations) found.inserted += BSON.calculateObjectSize(one);
  }

  /** Counts from now on; answers what there was. */
  take(): Map<string, CommandCount> {
    const taken = this.#counts;
    this.#counts = new Map();
    return taken;
  }
}
