import { SluiceError } from '../domain/errors.ts';
import type { Finding } from './checks.ts';
import type { Config } from './schema.ts';

/**
 * What `mode` comes to: `auto` is cluster when both URLs are set and embedded when neither is. One alone is a mistake,
 * and so is cluster mode without both.
 */
export function resolveMode(config: Config): 'embedded' | 'cluster' | Finding {
  const missing = config.mongodb_uri === undefined ? 'mongodb_uri (MONGODB_URI)' : 'redis_url (REDIS_URL)';
  const count = [config.mongodb_uri, config.redis_url].filter((url) => url !== undefined).length;
  if (config.mode === 'embedded') return 'embedded';
  if (count === 2) return 'cluster';
  if (config.mode === 'auto' && count === 0) return 'embedded';
  const message =
    config.mode === 'cluster'
      ? `cluster needs a database and Redis, and ${count === 0 ? 'neither is set' : `${missing} is not set`}`
      : `only one of two URLs is set: set ${missing} as well for cluster mode, or neither for embedded mode`;
  return { path: ['mode'], message };
}

/** Cluster mode comes with a later release. */
export function refuseCluster(): never {
  throw new SluiceError(
    'MODE_UNSUPPORTED',
    'Cluster mode (MongoDB and Redis) is not part of this release yet. Unset MONGODB_URI and REDIS_URL, or set ' +
      '`mode: embedded`: everything then runs in one process on a local database file.',
  );
}
