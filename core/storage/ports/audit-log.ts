import type { Page } from './accounts.ts';

/** Who made a change. `system` is Sluice itself: a set-up, a command on a store that nobody serves. */
export type AuditActor =
  | { readonly kind: 'user'; readonly userId: string }
  | { readonly kind: 'api-key'; readonly userId: string; readonly keyId: string }
  | { readonly kind: 'control-socket' | 'anonymous' | 'system' };

/** Who did something, from where, in which request. */
export interface AuditOrigin {
  readonly actor: AuditActor;
  /** Client address behind trusted proxies; null on the control socket. */
  readonly address: string | null;
  readonly requestId: string | null;
}

/** Values in the API's own field names; secrets only ever as `changed`. */
export type AuditValues = Readonly<Record<string, unknown>>;

/** One change. Never altered, kept for a year. */
export interface AuditEntry extends AuditOrigin {
  /** UUIDv7. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What was done: `user.create`, `credential.reset-password`, `plugin.change`. */
  readonly action: string;
  readonly subject: { readonly kind: string; readonly id: string };
  /** What it was, of what changed; null where there was nothing. */
  readonly before: AuditValues | null;
  /** What it is now, of what changed; null where nothing is left. */
  readonly after: AuditValues | null;
}

/** All given ones must hold. Times in milliseconds since the epoch: `from` belongs to the span, `until` does not. */
export interface AuditFilter {
  /** Changes by this user, by API key or not. */
  readonly userId?: string;
  readonly action?: string;
  readonly subjectKind?: string;
  readonly subjectId?: string;
  readonly from?: number;
  readonly until?: number;
}

/**
 * What was changed, by whom. Changes of accounts carry their entry into the same commit (`Accounts`); `append` is for
 * what is stored elsewhere.
 */
export interface AuditLog {
  append(entry: AuditEntry): Promise<void>;
  /** Newest first. */
  list(filter: AuditFilter, options: { after?: string; limit: number }): Promise<Page<AuditEntry>>;
}
