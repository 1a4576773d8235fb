import type { Document } from 'mongodb';
import type { Attempt, MessageFacts, RecipientRecord, RefusalRecord } from '../domain/message.ts';
import { type AttemptDocument, mostRecent } from '../storage/mongodb/mail/attempts.ts';
import type { BodyDocument } from '../storage/mongodb/mail/bodies.ts';
import { messageDocument, refusalDocument } from '../storage/mongodb/mail/message-documents.ts';
import { chunkSize } from '../storage/ports/message-store.ts';
import { placeOf } from '../storage/sqlite/bodies.ts';
import { refusedKind } from '../storage/sqlite/entry-kind.ts';
import { parseRequests } from '../storage/sqlite/requested-action.ts';
import type { Copy, CopyPage } from './copy.ts';
import type { EmbeddedSource } from './embedded-source.ts';

/** Bounds of a page: entries, and octets of bodies after which it ends. */
const pageEntries = 200;
const pageBytes = 8 * 1024 * 1024;

interface EntryRow {
  readonly seq: number;
  readonly kind: number;
  readonly facts: string;
  readonly recipients: string | null;
  readonly requested: string | null;
  readonly final_day: number | null;
}

interface Copied {
  readonly record: Document;
  /** Octets of its body. */
  readonly size: number;
  readonly bodies: readonly BodyDocument[];
  readonly attempts: readonly AttemptDocument[];
}

/** Messages in whatever state, with their bodies and attempts, and refusals. `captured`: how long such bodies are kept. */
export function mailCopy(source: EmbeddedSource, { captured }: { readonly captured: number }): Copy {
  const { database } = source;
  const entries = database.prepare(
    `SELECT e.seq, e.kind, f.facts, coalesce(q.recipients, o.recipients) AS recipients, q.requested, o.final_day
     FROM entries e JOIN facts f ON f.seq = e.seq
     LEFT JOIN queue q ON q.seq = e.seq LEFT JOIN outcomes o ON o.seq = e.seq
     WHERE e.seq > ? ORDER BY e.seq LIMIT ?`,
  );
  const pieces = database.prepare('SELECT bytes FROM bodies WHERE place >= ? AND place < ? ORDER BY place');
  const tries = database.prepare('SELECT attempt FROM attempts WHERE seq = ? ORDER BY n');
  const commit = `migrated ${source.id}`;

  function copied(row: EntryRow): Copied {
    if (row.kind >= refusedKind) {
      const { events: _, ...record } = refusalDocument(JSON.parse(row.facts) as RefusalRecord, commit);
      return { record, size: 0, bodies: [], attempts: [] };
    }
    const facts = JSON.parse(row.facts) as MessageFacts;
    const recipients = JSON.parse(row.recipients ?? '[]') as RecipientRecord[];
    const bytes = pieces.all(placeOf(row.seq, 0), placeOf(row.seq + 1, 0)).map((one) => one.bytes as Uint8Array);
    const count = bytes.length > 0 ? bytes.length : Math.max(1, Math.ceil(facts.size / chunkSize));
    const finalAt = Math.max(0, ...recipients.map((recipient) => recipient.finalAt ?? 0));
    // No moment of now is in it: a page read again has to be the same.
    const moment = { now: 0, today: row.final_day ?? 0, capturedUntil: finalAt + captured };
    const body = { kind: 'chunks', count } as const;
    const { events: _, ...record } = messageDocument({ facts, recipients, body }, commit, moment);
    const attempts = tries.all(row.seq).map(({ attempt }) => JSON.parse(String(attempt)) as Attempt);
    const first = Math.max(0, attempts.length - mostRecent);
    const requested = parseRequests(row.requested);
    return {
      record: {
        ...record,
        recent: attempts.slice(first),
        attempts: attempts.length,
        ...(requested.length === 0 ? {} : { requested }),
      },
      size: bytes.reduce((sum, piece) => sum + piece.byteLength, 0),
      bodies: bytes.map((piece, n) => ({
        _id: { message: facts.id, n },
        commit,
        at: facts.acceptedAt,
        bytes: Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength),
      })),
      attempts: attempts.slice(0, first).map((attempt, n) => ({ _id: { message: facts.id, n }, attempt })),
    };
  }

  function page(from: number): CopyPage {
    const rows = entries.all(from, pageEntries) as unknown as EntryRow[];
    const all: Copied[] = [];
    let size = 0;
    for (const row of rows) {
      const one = copied(row);
      all.push(one);
      size += one.size;
      if (size > pageBytes) break;
    }
    const last = rows[all.length - 1]?.seq ?? from;
    return {
      // A record stands for its body: it comes last.
      writes: [
        { collection: 'bodies', documents: all.flatMap(({ bodies }) => bodies) },
        { collection: 'attempts', documents: all.flatMap(({ attempts }) => attempts) },
        { collection: 'messages', documents: all.map(({ record }) => record) },
      ],
      rows: all.length,
      next: all.length < rows.length || rows.length === pageEntries ? last : null,
    };
  }

  return { name: 'messages and refusals', collection: 'messages', total: () => source.count('entries'), page };
}
