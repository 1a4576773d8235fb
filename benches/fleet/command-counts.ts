import { BSON, type Document } from 'mongodb';
import type { Meddling, WireCommand } from '../../tests/support/mongodb-proxy.ts';

export interface CommandCount {
  commands: number;
  writes: number;
  inserted: number;
}

/** What a server that counts refused documents, too, would say: an ordered insert ends at the first of them. */
function writtenOf(answer: Document, sent: number, ordered: boolean): number {
  const errors: readonly Document[] = answer.writeErrors ?? [];
  if (sent === 0 || errors.length === 0) return Number(answer.n ?? 0);
  return ordered ? Number(errors[0]?.index ?? 0) : sent - errors.length;
}

/** Counts what passes a proxy in front of MongoDB, by collection. */
export class CommandCounts {
  #counts = new Map<string, CommandCount>();

  /** Counts a command, and with its answer what it wrote. */
  count({ name, collection, body, documents }: WireCommand): Meddling | undefined {
    // A cursor that goes on names its collection beside.
    const about = name === 'getMore' ? String(body.collection) : collection;
    if (!/^[a-z_]+$/.test(about) || name === 'hello' || name === 'ismaster' || name === 'ping') return undefined;
    const found = this.#counts.get(about) ?? { commands: 0, writes: 0, inserted: 0 };
    this.#counts.set(about, found);
    found.commands += 1;
    if (name === 'findAndModify') found.writes += 1;
    if (name !== 'insert' && name !== 'update' && name !== 'delete') return undefined;
    const sent: readonly Document[] =
      name !== 'insert' ? [] : documents.length > 0 ? documents : (body.documents ?? []);
    return {
      amend(answer) {
        const written = writtenOf(answer, sent.length, body.ordered !== false);
        found.writes += written;
        // Those that came after a refusal were not looked at; all are of about one size.
        const octets = sent.reduce((sum, one) => sum + BSON.calculateObjectSize(one), 0);
        if (sent.length > 0) found.inserted += (octets / sent.length) * written;
        return answer;
      },
    };
  }

  /** Counts from now on; answers what there was. */
  take(): Map<string, CommandCount> {
    const taken = this.#counts;
    this.#counts = new Map();
    return taken;
  }
}
