import type { Page } from './accounts.ts';
import type { AuditEntry } from './audit-log.ts';

/** A login to the API; the access token names it, so that it can be revoked. Times in milliseconds since the epoch. */
export interface ApiSession {
  readonly id: string;
  readonly userId: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | null;
  /** To the minute; that of the login until a token of it was shown. */
  readonly lastUsedAt: number;
  /** Client address at the login; null on the control socket. */
  readonly address: string | null;
  /** What the client called itself at the login. */
  readonly userAgent: string | null;
}

/** A script's way in. Its secret is kept as a keyed hash only. Times in milliseconds since the epoch. */
export interface ApiKey {
  readonly id: string;
  readonly ownerId: string;
  readonly name: string;
  /** Keyed hash of the whole key; unique. */
  readonly fingerprint: string;
  /** First characters of the key, by which a person tells it from others. */
  readonly hint: string;
  readonly scopes: readonly string[];
  readonly createdAt: number;
  /** Null: for ever. */
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly lastUsedAt: number | null;
}

/** A refresh token, good for one use. */
export interface RefreshToken {
  /** Keyed hash of the token; unique. */
  readonly fingerprint: string;
  readonly expiresAt: number;
}

/** `reused`: it was exchanged before, so somebody has a copy; its session is revoked now. */
export type Refreshed =
  | { readonly outcome: 'rotated'; readonly session: ApiSession }
  | { readonly outcome: 'reused'; readonly session: ApiSession }
  | { readonly outcome: 'unknown' };

/** API sessions with their refresh tokens, and API keys. Every change is one conditional write, its audit entry included. */
export interface ApiAccess {
  /** Stores a session together with its first refresh token. */
  startSession(session: ApiSession, token: RefreshToken, audit?: AuditEntry): Promise<void>;
  session(id: string): Promise<ApiSession | null>;
  /** A user's sessions that are neither revoked nor, `at` this time, expired; the newest first. */
  listSessions(options: { userId: string; at: number; after?: string; limit: number }): Promise<Page<ApiSession>>;
  /** Remembers a use; may lag by a minute. */
  touchSession(id: string, at: number): void;
  /** False where there is none, or it was revoked before; the audit entry is written with the first revocation only. */
  revokeSession(id: string, at: number, audit?: AuditEntry): Promise<boolean>;
  /**
   * Exchanges a token for the next one and prolongs the session to its expiry, in one write: of two who show the same
   * token one succeeds, the other ends the session. `unknown`: not there, expired, or the session is over.
   */
  refresh(fingerprint: string, next: RefreshToken, at: number): Promise<Refreshed>;
  /** Ends all sessions of a user but `except`; answers how many. */
  revokeSessions(userId: string, at: number, options?: { except?: string; audit?: AuditEntry }): Promise<number>;

  insertApiKey(key: ApiKey, audit?: AuditEntry): Promise<void>;
  apiKey(id: string): Promise<ApiKey | null>;
  apiKeyByFingerprint(fingerprint: string): Promise<ApiKey | null>;
  /** In the order of their making, revoked ones included. */
  listApiKeys(options: { ownerId?: string; after?: string; limit: number }): Promise<Page<ApiKey>>;
  /** False where there is none, or it was revoked before; the audit entry is written with the first revocation only. */
  revokeApiKey(id: string, at: number, audit?: AuditEntry): Promise<boolean>;
  /** Remembers a use; may lag by a minute. */
  touchApiKey(id: string, at: number): void;
}
