import type { ApiKey, ApiSession } from '../ports/api-access.ts';
import type { Audited } from './audit-outbox.ts';
import type { Index } from './indexes.ts';

/** A session carries its refresh tokens, so that an exchange is one write. */
export interface SessionDocument extends Omit<ApiSession, 'id'>, Audited {
  /** Fingerprint of the token that is good. */
  readonly token: string;
  readonly tokenExpiresAt: number;
  /** Tokens that were exchanged: who shows one again has a copy. */
  readonly used: readonly { readonly fingerprint: string; readonly expiresAt: number }[];
}

/** An order to end all sessions of a user; it is carried out again until it is done (docs/decisions/0008). */
export interface SessionEndDocument extends Audited {
  readonly userId: string;
  readonly at: number;
  readonly except: string | null;
  readonly done: boolean;
}

export interface ApiKeyDocument extends Omit<ApiKey, 'id' | 'lastUsedAt'>, Audited {
  /** 0: never. */
  readonly lastUsed: number;
}

export const sessionIndexes: readonly Index[] = [
  { collection: 'sessions', key: { token: 1 }, unique: true },
  { collection: 'sessions', key: { 'used.fingerprint': 1 } },
  { collection: 'sessions', key: { userId: 1, _id: 1 } },
  { collection: 'sessions', key: { expiresAt: 1 } },
  { collection: 'session_ends', key: { done: 1 } },
  { collection: 'api_keys', key: { fingerprint: 1 }, unique: true },
  { collection: 'api_keys', key: { ownerId: 1, _id: 1 } },
];

export function sessionOf({ _id, token, tokenExpiresAt, used, outbox, ...session }: SessionDocument): ApiSession {
  return { id: _id, ...session };
}

export const apiKeyDocument = ({ id, lastUsedAt, ...key }: ApiKey): ApiKeyDocument => ({
  _id: id,
  ...key,
  lastUsed: lastUsedAt ?? 0,
});

export function apiKeyOf({ _id, lastUsed, outbox, ...key }: ApiKeyDocument): ApiKey {
  return { id: _id, ...key, lastUsedAt: lastUsed === 0 ? null : lastUsed };
}
