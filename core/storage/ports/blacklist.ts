/** A refused address or network. */
export interface BlacklistEntry {
  readonly id: string;
  /** Canonical CIDR: `192.0.2.0/24`, `2001:db8::/32`; a single address is a /32 or /128. Unique. */
  readonly network: string;
  readonly reason: string;
  readonly source: 'manual' | 'auto' | 'import' | 'file';
  readonly createdAt: number;
  /** Milliseconds since the epoch; null: for ever. */
  readonly expiresAt: number | null;
}

export interface Blacklist {
  all(): Promise<readonly BlacklistEntry[]>;
  /** Replaces an entry for the same network. */
  put(entry: BlacklistEntry): Promise<void>;
  remove(id: string): Promise<boolean>;
}
