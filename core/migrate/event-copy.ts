import type { Document } from 'mongodb';
import { EventReader } from '../storage/sqlite/event-reader.ts';
import type { Copy } from './copy.ts';
import type { EmbeddedSource } from './embedded-source.ts';

const pageEvents = 500;

/**
 * Events under their own numbers: who follows them goes on where he was. Where all of them are past their time, one
 * with the last number stands for them, so that no number is given twice.
 */
export function eventCopy(source: EmbeddedSource, { startedAt }: { readonly startedAt: number }): Copy {
  const reader = new EventReader(source.database);
  const { oldest, newest } = reader.bounds();
  const current = source.database.prepare("SELECT number FROM settings WHERE state = 'current'").get();
  const standIn: Document = {
    _id: newest,
    key: `embedded.${newest}`,
    at: startedAt,
    event: JSON.stringify({
      type: 'configuration_changed',
      at: startedAt,
      version: Number(current?.number ?? 0),
      cause: 'start',
    }),
  };
  const gone = newest > 0 && oldest > newest;
  const total = (): number => (gone ? 1 : source.count('events'));
  return {
    name: 'events',
    collection: 'events',
    total,
    page(from) {
      if (gone) return { writes: [{ collection: 'events', documents: [standIn] }], rows: 1, next: null };
      const { events, through, more } = reader.list({}, { after: from, limit: pageEvents });
      const documents = events.map(({ id, ...event }) => ({
        _id: id,
        key: `embedded.${id}`,
        at: event.at,
        event: JSON.stringify(event),
      }));
      return { writes: [{ collection: 'events', documents }], rows: documents.length, next: more ? through : null };
    },
  };
}
