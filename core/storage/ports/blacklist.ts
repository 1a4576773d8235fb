import type { ChangeOptions, Page } from './accounts.ts';
import type { AuditEntry } from './audit-log.ts';

/** Who put an entry on the list: a person, the plugin by itself, or a file that was imported. */
export const blacklistSources = ['manual', 'auto-ban', 'import'] as const;
export type BlacklistSource = (typeof blacklistSources)[number];

/** A refused address or network. Times in milliseconds since the epoch. */
export interface BlacklistEntry {
  /** UUIDv7. */
  readonly id: string;
  /** Canonical CIDR: `192.0.2.0/24`, `2001:db8::/32`; a single address is a /32 or /128. Unique. */
  readonly network: string;
  readonly reason: string;
  readonly source: BlacklistSource;
  readonly createdAt: number;
  /** Tells one version from another: a change always sets it later than it was. */
  readonly updatedAt: number;
  /** Null: for ever. */
  readonly expiresAt: number | null;
}

/** All given ones must hold. Networks are canonical CIDR. */
export interface BlacklistFilter {
  /** Entries whose network holds this one, or is it. */
  readonly holding?: string;
  /** Entries whose network lies in this one, or is it. */
  readonly within?: string;
  readonly source?: BlacklistSource;
  /** Part of the reason, compared without case. */
  readonly search?: string;
  /** Entries in force at this moment. */
  readonly inForceAt?: number;
  /** Entries that have ended by this moment. */
  readonly endedBy?: number;
}

/** `network`: in the order of addresses, IPv4 first, a network before what lies in it. Those without an end end last. */
export interface BlacklistListOptions {
  readonly sort?: 'network' | 'created_at' | 'expires_at';
  readonly descending?: boolean;
  /** `next` of the page before, asked for with the same filter and order; its entry may be gone by now. */
  readonly after?: string;
  readonly limit: number;
}

/** Most entries of one `putAll` or `byNetworks`, so that no commit takes long. */
export const blacklistBatch = 500;

/** Networks that are refused. Every change is one conditional write, its audit entry included. */
export interface Blacklist {
  get(id: string): Promise<BlacklistEntry | null>;
  /** Entries of exactly these networks, in no order; at most `blacklistBatch` are asked for. */
  byNetworks(networks: readonly string[]): Promise<readonly BlacklistEntry[]>;
  /** Sorted by network unless told otherwise. */
  list(filter: BlacklistFilter, options: BlacklistListOptions): Promise<Page<BlacklistEntry>>;
  /**
   * Adds an entry. Where one for the same network is in force at `entry.createdAt` nothing is written, and that one is
   * the answer; one that has ended is replaced. Null: added.
   */
  insert(entry: BlacklistEntry, audit?: AuditEntry): Promise<BlacklistEntry | null>;
  /** `taken`: another entry has the new network. Rejects with `PRECONDITION_FAILED` (`ChangeOptions`). */
  update(
    id: string,
    change: Partial<Pick<BlacklistEntry, 'network' | 'reason' | 'expiresAt'>> & Pick<BlacklistEntry, 'updatedAt'>,
    options?: ChangeOptions,
  ): Promise<'changed' | 'not-found' | 'taken'>;
  /** Adds an entry, or replaces the one for the same network. */
  put(entry: BlacklistEntry): Promise<void>;
  /**
   * `put` for up to `blacklistBatch` entries in one commit (where a database has none for many: one by one, and a repeat
   * completes it). An entry with the id of the one it replaces is a later version of it.
   */
  putAll(entries: readonly BlacklistEntry[], audit?: AuditEntry): Promise<void>;
  /** False where there is none; the audit entry is written with the removal only. */
  remove(id: string, options?: ChangeOptions): Promise<boolean>;
  /** As in `Accounts`: another text from before each change on. Absent where one process alone writes. */
  readonly revision?: () => Promise<string>;
}
