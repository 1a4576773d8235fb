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

/** In cluster mode nothing is made up: all processes have to share these. */
export function missingSecrets(config: Pick<Config, 'jwt_secret' | 'secrets_key'>): Finding[] {
  const needed = (path: string, variable: string): Finding => ({
    path: [path],
    message: `is needed in cluster mode, the same for all processes: set ${variable} (or ${variable}_FILE) to 32 or more random characters`,
  });
  return [
    ...(config.jwt_secret === undefined ? [needed('jwt_secret', 'JWT_SECRET')] : []),
    ...(config.secrets_key === undefined ? [needed('secrets_key', 'SLUICE_SECRETS_KEY')] : []),
  ];
}
