import type { Session } from '../../core/pipeline/plugin.ts';

/** What `auth` tells other plugins about a session. */
export interface AuthNotes {
  /** Logins that failed on this connection. */
  failures: number;
  /** Salt of the secret that the session logged in with: it differs once the password was reset. */
  salt: string | null;
}

declare module '../../core/domain/notes.ts' {
  interface SessionNotes {
    auth?: AuthNotes;
  }
}

/** The notes of a session, made on first use. */
export const notesOf = ({ notes }: Session): AuthNotes => {
  notes.auth ??= { failures: 0, salt: null };
  return notes.auth;
};
