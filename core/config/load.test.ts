import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { SluiceError } from '../domain/errors.ts';
import { loadConfiguration } from './load.ts';
import { ConfigurationFolder, showProblem } from './testing/configuration-folder.ts';
import { duration } from './units.ts';

let folder: ConfigurationFolder;
beforeEach(() => {
  folder = new ConfigurationFolder();
});
afterEach(() => folder[Symbol.dispose]());

const quota = z.strictObject({ time_zone: z.string().default('UTC'), grace: duration().prefault('1m') });
const pluginSchemas = (use: string) => (use === 'quota' ? quota : undefined);

describe('a good file', () => {
  test('gets its defaults, units and absolute paths, and is frozen', async () => {
    const { config, baseDir, file } = await folder.load(
      'plugins: [{ use: quota }]\nsmtp: { listeners: [{ name: relay, port: 2525 }] }',
    );
    expect(config.smtp.limits).toMatchObject({ size: 25 * 1024 ** 2, data_timeout: 300_000 });
    expect(config.mode).toBe('embedded');
    expect(config.data_dir).toBe(`${folder.path}/data`);
    expect([baseDir, file]).toEqual([folder.path, `${folder.path}/sluice.yaml`]);
    expect(() => Object.assign(config.smtp.limits, { size: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.plugins[0] ?? {}, { use: 'x' })).toThrow(TypeError);
  });

  test("a plugin's own settings stay as they were written", async () => {
    const { config } = await folder.load('plugins: [{ use: quota, config: { grace: 5m } }]', { pluginSchemas });
    expect(config.plugins[0]?.config).toEqual({ grace: '5m' });
  });

  test('tells where each value came from', async () => {
    const loaded = await folder.load('plugins: []\napi:\n  port: 81\n  address: "::"\n', { env: { API_PORT: '82' } });
    expect(loaded.config.api.port).toBe(82);
    expect(loaded.origin(['api', 'port'])).toEqual({ layer: 'environment', variable: 'API_PORT' });
    expect(loaded.origin(['api', 'address'])).toEqual({ layer: 'file', line: 4 });
    expect(loaded.origin(['api', 'token_ttl'])).toEqual({ layer: 'default' });
  });

  test('the shipped file loads without a warning', async () => {
    const { config, warnings } = await loadConfiguration({ env: {}, cwd: folder.path });
    expect(warnings).toEqual([]);
    expect(config.smtp.listeners.map(({ name, port, tls, enabled }) => [name, port, tls, enabled])).toEqual([
      ['relay', 2525, 'starttls', true],
      ['submission', 2587, 'starttls', false],
      ['submissions', 2465, 'implicit', false],
    ]);
  });
});

describe('precedence', () => {
  const text = 'plugins: [{ use: quota, config: { time_zone: Asia/Tokyo } }]\nquotas: { daily_default: 1 }';

  test('environment over API overlay over file over default', async () => {
    const overlay = {
      plugins: { quota: { timeout: '2s', priority: 3, config: { grace: '2m', time_zone: 'UTC' } } },
      order: null,
    };
    const env = { SLUICE_PLUGINS__QUOTA__TIME_ZONE: 'Europe/Berlin' };
    const loaded = await folder.load(text, { overlay, env, pluginSchemas });
    const [quota] = loaded.config.plugins;
    expect(quota).toMatchObject({ timeout: 2_000, priority: 3, config: { time_zone: 'Europe/Berlin', grace: '2m' } });
    const { origin } = loaded;
    const variable = 'SLUICE_PLUGINS__QUOTA__TIME_ZONE';
    expect(origin(['plugins', 'quota', 'config', 'time_zone'])).toEqual({ layer: 'environment', variable });
    expect(origin(['plugins', 'quota', 'config', 'grace'])).toEqual({ layer: 'api' });
    expect(origin(['plugins', 'quota', 'use'])).toEqual({ layer: 'file', line: 1 });
    expect(origin(['plugins', 'quota', 'before'])).toEqual({ layer: 'default' });
    expect(loaded.written(['plugins', 'quota', 'config', 'time_zone'])).toBe('Asia/Tokyo');
    expect(loaded.variableAround(['plugins', 'quota', 'config'])).toBe(variable);
    expect(loaded.variableAround(['plugins', 'quota', 'config', 'grace'])).toBeUndefined();
  });

  test('an overlay adds, changes and removes entries of named lists, those with no list in the file too', async () => {
    const list = z.strictObject({ hosts: z.array(z.strictObject({ name: z.string(), port: z.number() })).default([]) });
    const schemas = () => list;
    const hosts = { a: null, b: { port: 2 }, c: { name: 'c', port: 3 } };
    const overlay = {
      plugins: { p: { config: { hosts } }, q: { config: { hosts: { d: { name: 'd', port: 4 } } } } },
      order: null,
    };
    const file = 'plugins: [{ use: p, config: { hosts: [{ name: a, port: 1 }, { name: b, port: 1 }] } }, { use: q }]';
    const { config } = await folder.load(file, { overlay, pluginSchemas: schemas });
    expect(config.plugins.map((entry) => entry.config)).toEqual([
      {
        hosts: [
          { name: 'b', port: 2 },
          { name: 'c', port: 3 },
        ],
      },
      { hosts: [{ name: 'd', port: 4 }] },
    ]);
  });

  test('a change of an entry of a list that is not in the file any more sleeps: it must not become an entry', async () => {
    const host = z.strictObject({ name: z.string(), port: z.number(), weight: z.number().default(1) });
    const list = z.strictObject({ hosts: z.array(host).default([]) });
    const overlay = { plugins: { p: { config: { hosts: { a: { weight: 2 }, gone: { weight: 9 } } } } }, order: null };
    const file = 'plugins: [{ use: p, config: { hosts: [{ name: a, port: 1 }] } }]';
    const { config, dormant } = await folder.load(file, { overlay, pluginSchemas: () => list });
    expect(config.plugins[0]?.config).toEqual({ hosts: [{ name: 'a', port: 1, weight: 2 }] });
    expect(dormant).toEqual(['p.config.hosts.gone']);
  });

  test('an overlay puts plugins into another order; those it does not name stay behind', async () => {
    const overlay = { plugins: {}, order: ['c', 'gone', 'a'] };
    const file = 'plugins: [{ use: a }, { use: b }, { use: c }, { use: d }]';
    const { config } = await folder.load(file, { overlay });
    expect(config.plugins.map(({ use }) => use)).toEqual(['c', 'a', 'b', 'd']);
  });

  test('a patch of a plugin that is not in the file any more sleeps', async () => {
    const overlay = { plugins: { gone: { enabled: false } }, order: null };
    const { config, dormant } = await folder.load(text, { overlay, pluginSchemas });
    expect(config.plugins).toHaveLength(1);
    expect(dormant).toEqual(['gone']);
  });

  test('what is wrong in the overlay is said to come from the API', async () => {
    const overlay = { plugins: { quota: { config: { grace: 'soon' } } }, order: null };
    const problems = await folder.problems(text, { overlay, pluginSchemas });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/plugins\.quota\.config\.grace .*found "soon" \(set through the API\)$/);
  });
});

describe('every problem is told at once, with its line, what was found and what was expected', () => {
  test('types, ranges, words, units, networks, names', async () => {
    const problems = await folder.problems(
      [
        'mode: clustr', // 1
        'log: { level: loud }',
        'smtp:',
        '  listeners:',
        '    - name: Relay!', // 5
        '      port: "25"',
        '      proxy_protocol: [10.0.0.0/33]',
        '  limits:',
        '    size: 25', // 9
        '    data_timeout: 5 minutes',
        '    recipients: 0', // 11
        'plugins: [{ use: 3 }]', // 12
        'worker: { retry: { jitter: 2 } }',
        'jwt_secret: [hunter2]', // 14
      ].join('\n'),
    );
    expect(problems).toEqual([
      'line 1: mode expected auto, embedded or cluster, found "clustr"',
      'line 2: log.level expected trace, debug, info, warn, error or fatal, found "loud"',
      'line 5: smtp.listeners.Relay!.name expected a name of lower-case letters, digits and hyphens that begins with a letter, found "Relay!"',
      'line 6: smtp.listeners.Relay!.port expected a whole number from 0 to 65535, found "25"',
      'line 7: smtp.listeners.Relay!.proxy_protocol.0 expected an address or CIDR network such as 192.0.2.0/24 or 2001:db8::/32, found "10.0.0.0/33"',
      'line 9: smtp.limits.size expected a size such as 25MB (B, KB, MB, GB), found 25',
      'line 10: smtp.limits.data_timeout expected a span of time such as 45s (ms, s, m, h, d), found "5 minutes"',
      'line 11: smtp.limits.recipients expected a whole number, 1 or more, found 0',
      'line 12: plugins.0.use expected text that is not empty, found 3',
      'line 13: worker.retry.jitter expected a number from 0 to 1, found 2',
      'line 14: jwt_secret expected text that is not empty, found a list',
    ]);
  });

  test('unknown keys name the nearest known one', async () => {
    const problems = await folder.problems('plugins: []\nsmpt: {}\nworker:\n  retires: {}\n  nonsense: 1\n');
    expect(problems).toEqual([
      'line 2: smpt is no setting; did you mean smtp?',
      'line 4: worker.retires is no setting; did you mean retry?',
      'line 5: worker.nonsense is no setting',
    ]);
  });

  test('keys set twice, names used twice, missing keys', async () => {
    const problems = await folder.problems(
      [
        'smtp:',
        '  listeners:',
        '    - { name: relay, port: 2525 }',
        '    - { name: relay, port: 2526 }', // 4
        '    - { name: other }', // 5
        'log: { level: info }',
        'log: { level: info }', // 7
        'plugins:',
        '  - use: quota',
        '  - use: quota', // 10
      ].join('\n'),
    );
    expect(problems).toEqual([
      'line 4: smtp.listeners.relay#2 is called relay like an entry before it; each needs a name of its own',
      'line 5: smtp.listeners.other.port is missing; expected a whole number from 0 to 65535',
      'line 7: log is set twice here; remove one of the two',
      'line 10: plugins.quota#2 is called quota like an entry before it; give each an `id` of its own',
    ]);
  });

  test('settings of plugins, and plugins that cannot be found', async () => {
    const problems = await folder.problems(
      'plugins:\n  - use: quota\n    config:\n      time_zon: UTC\n      grace: 5\n  - use: quotta\n',
      {
        pluginSchemas: (use) => {
          if (use === 'quotta') throw new SluiceError('PLUGIN_UNKNOWN', 'there is no plugin quotta');
          return pluginSchemas(use);
        },
      },
    );
    expect(problems).toEqual([
      'line 4: plugins.quota.config.time_zon is no setting; did you mean time_zone?',
      'line 5: plugins.quota.config.grace expected a span of time such as 45s (ms, s, m, h, d), found 5',
      'line 6: plugins.quotta.use there is no plugin quotta',
    ]);
  });

  test('a plugin that is off may be wrong or missing; the environment may turn it on', async () => {
    const off =
      'plugins:\n  - { use: quota, enabled: false, config: { grace: 5 } }\n  - { use: gone, enabled: false }\n';
    const find = (use: string) => {
      if (use === 'gone') throw new SluiceError('PLUGIN_UNKNOWN', 'there is no plugin gone');
      return pluginSchemas(use);
    };
    await expect(folder.load(off, { pluginSchemas: find })).resolves.toBeDefined();
    const env = { SLUICE_PLUGINS__GONE__ENABLED: 'true' };
    expect(await folder.problems(off, { pluginSchemas: find, env })).toEqual([
      'line 3: plugins.gone.use there is no plugin gone',
    ]);
  });

  test('a plugin whose checks take time, and one whose schema cannot be described', async () => {
    const slow = z.strictObject({ word: z.string().refine(async (text) => text === 'right', 'wrong word') });
    expect(
      await folder.problems('plugins: [{ use: a, config: { word: left } }]', { pluginSchemas: () => slow }),
    ).toEqual(['line 1: plugins.a.config.word wrong word, found "left"']);
    const foreign = { safeParseAsync: async (data: unknown) => ({ success: true, data }) } as unknown as z.ZodType;
    const env = { SLUICE_PLUGINS__A__DEEP__MOST: '3' };
    const { config } = await folder.load('plugins: [{ use: a }]', { pluginSchemas: () => foreign, env });
    expect(config.plugins[0]?.config).toEqual({ deep: { most: 3 } });
  });

  test('a data folder too deep for a socket', async () => {
    expect(await folder.problems(`plugins: []\ndata_dir: /${'x'.repeat(100)}`)).toEqual([
      expect.stringMatching(/^line 2: data_dir \/x+ is 11 bytes too long for the control socket/),
    ]);
  });

  test('settings that do not fit together, even beside others that are wrong alone', async () => {
    const problems = await folder.problems(
      [
        'colour: red',
        'smtp:',
        '  listeners: [{ name: relay, port: 2525 }, { name: other, port: 8080 }]', // 3
        'plugins:',
        '  - { use: quota, listeners: [rely], before: [quota], after: [autth] }', // 5
        '  - { use: auth }',
        'worker: { lease: 10s, retry: { first: 5h } }', // 7
      ].join('\n'),
    );
    expect(problems).toEqual([
      'line 1: colour is no setting',
      'line 3: smtp.listeners.other.port 8080 is the port of the API already; choose another',
      'line 5: plugins.quota.listeners there is no listener rely; did you mean relay?',
      'line 5: plugins.quota.before names the plugin itself',
      'line 5: plugins.quota.after there is no plugin autth; did you mean auth?',
      'line 7: worker.lease_renewal has to be shorter than worker.lease',
      'line 7: worker.retry.first has to be no longer than worker.retry.most',
    ]);
  });

  test('text that is no YAML, and YAML that holds no settings', async () => {
    expect(await folder.problems('plugins: [\nmode: auto\n')).toEqual([
      expect.stringMatching(/^line \d: {2}not valid YAML: /),
    ]);
    expect(await folder.problems('- plugins')).toEqual([
      expect.stringMatching(/^line 1: {2}expected keys with values/),
    ]);
  });

  test('a certificate without its key, or that is none', async () => {
    expect(
      await folder.problems(
        'plugins: []\nsmtp:\n  listeners: [{ name: relay, port: 1 }]\n  tls: { certificate: a.pem }',
      ),
    ).toEqual(['line 4: smtp.tls.certificate is set without its key']);
    folder.write('a.pem', 'nonsense');
    expect(
      await folder.problems(
        'plugins: []\nsmtp:\n  listeners: [{ name: relay, port: 1 }]\n  tls:\n    certificate: a.pem\n    key: missing.pem',
      ),
    ).toEqual([expect.stringMatching(/^line 6: smtp\.tls\.key cannot be used: ENOENT/)]);
  });
});

describe('mode', () => {
  const urls = { MONGODB_URI: 'mongodb://127.0.0.1/sluice', REDIS_URL: 'redis://127.0.0.1' };

  test('one URL alone stops the start', async () => {
    expect(await folder.problems('plugins: []', { env: { REDIS_URL: urls.REDIS_URL } })).toEqual([
      'file: mode only one of two URLs is set: set mongodb_uri (MONGODB_URI) as well for cluster mode, or neither for embedded mode',
    ]);
    expect(await folder.problems('mode: cluster\nplugins: []', { env: { MONGODB_URI: urls.MONGODB_URI } })).toEqual([
      'line 1: mode cluster needs a database and Redis, and redis_url (REDIS_URL) is not set',
    ]);
  });

  test('a URL of Redis that cannot be read is said to be wrong, without its password', async () => {
    const [problem, ...more] = await folder.problems('plugins: []', {
      env: { ...urls, REDIS_URL: 'redis://:planted@127.0.0.1/mail' },
    });
    expect(more).toEqual([]);
    expect(problem).toMatch(/^REDIS_URL: redis_url names a database that is no number; expected redis:\/\/.*secret\)$/);
    expect(problem).not.toContain('planted');
  });

  test('an address of MongoDB that cannot be one is said to be wrong, without its password', async () => {
    const [problem, ...more] = await folder.problems('plugins: []', {
      env: { ...urls, MONGODB_URI: 'mongo://anna:planted@127.0.0.1' },
    });
    expect(more).toEqual([]);
    expect(problem).toMatch(/^MONGODB_URI: mongodb_uri expected mongodb:\/\//);
    expect(problem).not.toContain('planted');
  });

  test('a cluster needs the secrets that its processes share', async () => {
    const problems = await folder.problems('plugins: []', { env: { ...urls, SLUICE_SECRETS_KEY: 'k'.repeat(32) } });
    expect(problems).toEqual([
      expect.stringMatching(/jwt_secret is needed in cluster mode.*set JWT_SECRET \(or JWT_SECRET_FILE\)/),
    ]);
  });

  test('both make it a cluster, unless it is told to be embedded', async () => {
    const env = { ...urls, JWT_SECRET: 'j'.repeat(32), SLUICE_SECRETS_KEY: 'k'.repeat(32) };
    expect((await folder.load('plugins: []', { env })).config.mode).toBe('cluster');
    const { config } = await folder.load('mode: embedded\nplugins: []', { env: urls });
    expect(config.mode).toBe('embedded');
  });
});

describe('what is allowed and unwise is warned of', () => {
  test('public listeners without a login, passwords in clear, a network of everybody, no delivery', async () => {
    const { warnings } = await folder.load(
      [
        'smtp:',
        '  listeners:',
        '    - { name: open, address: "::", port: 2525, require_login: false }',
        '    - { name: clear, address: 0.0.0.0, port: 2526, auth_without_tls: true }',
        '    - { name: all, port: 2527, trusted_networks: [{ name: world, networks: [0.0.0.0/0] }] }',
        'plugins: []',
        'jwt_secret: short',
      ].join('\n'),
    );
    expect(warnings.map(showProblem)).toEqual([
      'line 3: smtp.listeners.open.require_login asks no login although :: can be reached from outside',
      'line 4: smtp.listeners.clear.auth_without_tls takes passwords in clear although 0.0.0.0 can be reached from outside',
      'line 5: smtp.listeners.all.trusted_networks.world holds every address there is: whoever reaches this listener may relay',
      'line 6: plugins without the plugin `delivery` all mail is answered 451',
      'line 6: plugins without the plugin `auth` nobody can log in, though a listener asks for it',
      'line 7: jwt_secret is short; take at least 32 random characters (openssl rand -hex 32)',
    ]);
  });
});

test('a file that is not there names the way out', async () => {
  await expect(loadConfiguration({ path: 'none.yaml', env: {}, cwd: folder.path })).rejects.toEqual(
    expect.objectContaining({
      code: 'CONFIG_UNREADABLE',
      message: expect.stringMatching(/none\.yaml.*--config or SLUICE_CONFIG/),
    }),
  );
});

test('SLUICE_CONFIG names the file, --config outweighs it', async () => {
  const named = folder.write('named.yaml', 'plugins: []\nhostname: named.example\n');
  folder.write('given.yaml', 'plugins: []\nhostname: given.example\n');
  const env = { SLUICE_CONFIG: named };
  expect((await loadConfiguration({ env, cwd: '/' })).config.hostname).toBe('named.example');
  const { config } = await loadConfiguration({ path: 'given.yaml', env, cwd: folder.path });
  expect(config.hostname).toBe('given.example');
});
