/** How the settings `redis_url` reads; shown where one does not. */
export const redisUrlForms =
  'redis://[user:password@]host[:port][/database], redis+sentinel://[user:password@]host[:port],…/master[/database] or ' +
  'redis+cluster://[user:password@]host[:port],…; rediss for TLS';

export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

export interface Login {
  readonly username?: string;
  readonly password?: string;
}

/** What `redis_url` says. */
export interface RedisAddress {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  /** Connections are encrypted, those to sentinels, too. */
  readonly tls: boolean;
  /** PEM file of the authorities that certificates are checked against; default those of Node. */
  readonly ca: string | null;
  /** The server; or some sentinels; or some nodes of the cluster. */
  readonly hosts: readonly RedisHost[];
  readonly login: Login;
  readonly sentinelLogin: Login;
  /** Name that the sentinels know the master by. */
  readonly master: string | null;
  readonly database: number;
  /** All keys and channels begin with it. */
  readonly prefix: string;
}

const shape = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const hostShape = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/;
const options = ['ca', 'prefix', 'sentinel_username', 'sentinel_password'];

class Unreadable extends Error {}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Unreadable('has a % that is not followed by two hexadecimal digits');
  }
};

const loginOf = (username: string | undefined, password: string | undefined): Login => ({
  ...(username ? { username: decoded(username) } : {}),
  ...(password ? { password: decoded(password) } : {}),
});

function hostsOf(text: string, defaultPort: number): RedisHost[] {
  return text.split(',').map((part, index) => {
    const [, host, port] = hostShape.exec(part) ?? [];
    if (host === undefined || Number(port) > 65_535) {
      throw new Unreadable(`names no host and port at place ${index + 1} of its hosts`);
    }
    return { host: host.replace(/^\[|\]$/g, ''), port: port === undefined ? defaultPort : Number(port) };
  });
}

function databaseOf(text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  if (!/^\d{1,4}$/.test(text)) throw new Unreadable('names a database that is no number');
  return Number(text);
}

function pathOf(kind: RedisAddress['kind'], path: string): Pick<RedisAddress, 'master' | 'database'> {
  const [first = '', second, ...more] = path.split('/');
  if (kind === 'sentinel') {
    if (first === '' || more.length > 0) throw new Unreadable('does not name the master that its sentinels watch');
    return { master: decoded(first), database: databaseOf(second) };
  }
  if (second !== undefined) throw new Unreadable('has a path of several parts');
  if (kind === 'cluster' && first !== '') throw new Unreadable('names a database, and a cluster has only one');
  return { master: null, database: databaseOf(first) };
}

function read(text: string): RedisAddress {
  const [, scheme, form, login, hosts, path, query] = shape.exec(text) ?? [];
  if (scheme === undefined || hosts === undefined) throw new Unreadable('is no URL of Redis');
  const kind = form === 'sentinel' || form === 'cluster' ? form : 'single';
  const read = hostsOf(hosts, kind === 'sentinel' ? 26_379 : 6_379);
  if (kind === 'single' && read.length > 1) {
    throw new Unreadable('names several hosts, which needs redis+sentinel or redis+cluster');
  }
  const asked = new URLSearchParams(query);
  for (const key of asked.keys()) {
    if (!options.includes(key)) throw new Unreadable(`asks for ${key}; there are only ${options.join(', ')}`);
  }
  const prefix = asked.get('prefix') ?? 'sluice';
  if (!/^[\w.-]+$/.test(prefix)) throw new Unreadable('has a prefix with other signs than letters, digits and _.-');
  const [, username, password] = /^([^:]*)(?::(.*))?$/.exec(login ?? '') ?? [];
  return {
    kind,
    tls: scheme === 'rediss',
    ca: asked.get('ca'),
    hosts: read,
    login: loginOf(username, password),
    sentinelLogin: {
      ...(asked.has('sentinel_username') ? { username: asked.get('sentinel_username') ?? '' } : {}),
      ...(asked.has('sentinel_password') ? { password: asked.get('sentinel_password') ?? '' } : {}),
    },
    ...pathOf(kind, path ?? ''),
    prefix,
  };
}

/** Reads a URL of Redis; where it cannot be read answers what is wrong, without anything secret. */
export function parseRedisUrl(text: string): RedisAddress | { readonly problem: string } {
  try {
    return read(text);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { problem: `${error.message}; expected ${redisUrlForms}` };
  }
}
