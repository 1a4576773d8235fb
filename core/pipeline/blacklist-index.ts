import type { BlacklistEntry } from '../storage/ports/blacklist.ts';

/** The blacklist in memory, kept current by the bus and by polling, so that a connect never waits for the database. */
export interface BlacklistIndex {
  /**
   * The narrowest entry in force whose network holds this address, or undefined. Takes every spelling of an address,
   * v4-mapped ones too; what is no address is on no list.
   */
  match(address: string): BlacklistEntry | undefined;
}
