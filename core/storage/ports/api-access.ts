import type { ApiSession, Page } from './accounts.ts';
import type { AuditEntry } from './audit-log.ts';

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

/** Refresh tokens of API sessions, and API keys. Every change is one conditional write, its audit entry included. */
export interface ApiAccess {
  /** Stores a session together with its first refresh token. */
  startSession(session: ApiSession, token: RefreshToken): Promise<void>;
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
