import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Bodies } from './bodies.ts';
import type { FreshMessages } from './fresh-messages.ts';

/** A claimed message; `body` is null where it has to be read in pieces. */
export interface Claimed {
  readonly seq: number;
  readonly lease: number;
  readonly facts: string;
  readonly recipients: string;
  readonly body: Uint8Array | null;
}

interface LeasedRow {
  recipients: string;
  chunks: number;
}

function addUpTo(chosen: Set<number>, more: readonly number[], most: number): void {
  for (const seq of more) {
    if (chosen.size >= most) break;
    chosen.add(seq);
  }
}

/**
 * Claims what is due, each message by one conditional update, inside the transaction of the group commit. Half of the
 * places go to the backlog (oldest due first) and half to fresh mail, so that neither starves; what one side does not
 * need the other gets.
 */
export class Claims {
  readonly #due: StatementSync;
  readonly #nextDue: StatementSync;
  readonly #lease: StatementSync;
  readonly #facts: StatementSync;
  readonly #bodies: Bodies;
  readonly #fresh: FreshMessages;

  constructor(database: DatabaseSync, parts: { bodies: Bodies; fresh: FreshMessages }) {
    this.#bodies = parts.bodies;
    this.#fresh = parts.fresh;
    this.#due = database.prepare(
      'SELECT seq FROM queue WHERE lease IS NULL AND next_at IS NOT NULL AND next_at <= ? ORDER BY next_at LIMIT ?',
    );
    this.#nextDue = database.prepare(
      'SELECT next_at FROM queue WHERE lease IS NULL AND next_at IS NOT NULL ORDER BY next_at LIMIT 1',
    );
    this.#lease = database.prepare(
      `UPDATE queue SET lease = ?, claimed_at = ? WHERE seq = ? AND lease IS NULL AND next_at <= ?
       RETURNING recipients, chunks`,
    );
    this.#facts = database.prepare('SELECT facts FROM facts WHERE seq = ?');
  }

  /** Leases up to `places` messages; `arriving` more are inserted by this transaction and want places, too. */
  take(places: number, arriving: number, lease: number, now: number): Claimed[] {
    const due = this.#due.all(now, places).map((row) => Number(row.seq));
    const wanted = this.#fresh.size + arriving;
    const fromBacklog = due.slice(0, Math.max(Math.ceil(places / 2), places - wanted));
    const chosen = new Set(fromBacklog);
    addUpTo(chosen, this.#fresh.first(places), places);
    // Fresh mail is due, too, and may have been counted on both sides.
    addUpTo(chosen, due, Math.max(chosen.size, places - arriving));
    const claimed: Claimed[] = [];
    for (const seq of chosen) {
      const message = this.#claim(seq, lease, now);
      if (message !== null) claimed.push(message);
    }
    return claimed;
  }

  /** When the next message becomes due that nobody holds; null if none ever does. */
  nextDue(): number | null {
    const row = this.#nextDue.get();
    return row === undefined ? null : Number(row.next_at);
  }

  #claim(seq: number, lease: number, now: number): Claimed | null {
    const row = this.#lease.get(lease, now, seq, now) as LeasedRow | undefined;
    const fresh = this.#fresh.take(seq);
    if (row === undefined) return null;
    const facts = fresh?.facts ?? String(this.#facts.get(seq)?.facts);
    const body = fresh?.body ?? (row.chunks === 1 ? this.#bodies.read(seq, 0) : null);
    return { seq, lease, facts, recipients: row.recipients, body };
  }
}
