import type { Notes } from './session/types.ts';

declare module '../../core/domain/notes.ts' {
  interface SessionNotes {
    /** `connection.notes` of Haraka's plugins: the object itself. */
    haraka?: Notes;
  }
  interface TransactionNotes {
    /** `transaction.notes` of Haraka's plugins: the object itself while the mail comes in, JSON of it in the worker. */
    haraka?: Notes;
  }
}
