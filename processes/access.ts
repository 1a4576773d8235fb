import type { PluginEntry } from '../core/config/schema.ts';
import type { BlacklistIndex } from '../core/pipeline/blacklist-index.ts';
import type { Directory } from '../core/pipeline/directory.ts';
import type { Access } from '../core/smtp/access.ts';
import { refuseListed } from '../plugins/blacklist/refusal.ts';

/**
 * What stops within an open session. The stored blacklist counts only while the plugin `blacklist` is on: without it
 * nobody asked for one.
 */
export function createAccess(options: {
  readonly directory: Directory;
  readonly blacklistIndex: BlacklistIndex;
  readonly plugins: () => readonly PluginEntry[];
}): Access {
  const { directory, blacklistIndex, plugins } = options;
  return {
    credentialUsable: (credentialId) => directory.usable(credentialId),
    addressBlocked(address) {
      const entry = blacklistIndex.match(address);
      if (entry === undefined || !plugins().some(({ use, enabled }) => enabled && use === 'blacklist')) return null;
      return refuseListed(address, entry).reply;
    },
  };
}
