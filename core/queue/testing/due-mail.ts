import type { DispatchStore, WakeUp } from '../../storage/ports/wake-ups.ts';

interface Mail {
  readonly id: string;
  dispatchedAt: number | null;
  claimed: number;
}

/** As much of a database as wake-ups need: mail that is due, its stamps, and claims that each succeed once. */
export class DueMail implements DispatchStore {
  readonly #mail = new Map<string, Mail>();

  /** `dispatchedAt` null: it has become due, and nobody was told. */
  add(ids: readonly string[], dispatchedAt: number | null): readonly WakeUp[] {
    for (const id of ids) this.#mail.set(id, { id, dispatchedAt, claimed: 0 });
    return ids.map((id) => ({ id, attempt: 0 }));
  }

  async dispatchable(options: { limit: number; sentBefore: number }): Promise<readonly WakeUp[]> {
    const due = [...this.#mail.values()]
      .filter((mail) => mail.claimed === 0 && (mail.dispatchedAt ?? 0) <= options.sentBefore)
      .slice(0, options.limit);
    for (const mail of due) mail.dispatchedAt = Date.now();
    return due.map(({ id }) => ({ id, attempt: 0 }));
  }

  /** False where it was claimed before. */
  claim(id: string): boolean {
    const mail = this.#mail.get(id);
    if (mail === undefined || mail.claimed > 0) return false;
    mail.claimed += 1;
    return true;
  }

  get open(): number {
    return [...this.#mail.values()].filter((mail) => mail.claimed === 0).length;
  }
}
