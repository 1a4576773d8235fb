import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigurationFolder, showProblem } from './testing/configuration-folder.ts';
import { duration } from './units.ts';

let folder: ConfigurationFolder;
beforeEach(() => {
  folder = new ConfigurationFolder();
});
afterEach(() => folder[Symbol.dispose]());

const upstream = z.strictObject({
  name: z.string(),
  host: z.string().optional(),
  port: z.number().int().optional(),
  username: z.string().optional(),
  password: z.string().optional().meta({ secret: true }),
  tls: z.enum(['none', 'starttls', 'tls']).optional(),
});
const schemas: Readonly<Record<string, z.ZodType>> = {
  delivery: z.strictObject({ upstreams: z.array(upstream).default([]), pause: duration().prefault('1s') }),
  quota: z.strictObject({ time_zone: z.string().default('UTC'), timeout: z.number().nullable().default(1) }),
};
const pluginSchemas = (use: string) => schemas[use];
const base = [
  'smtp:',
  '  listeners:',
  '    - { name: relay, port: 2525 }',
  '    - { name: mail-out, port: 2526 }',
  'plugins:',
  '  - { use: quota }',
  '  - { use: delivery }',
].join('\n');
const load = (env: Record<string, string>, text = base) => folder.load(text, { env, pluginSchemas });

describe('names derived from the path', () => {
  test('reach settings, named listeners, plugin entries and the settings of plugins', async () => {
    const { config, origin } = await load({
      SLUICE_WORKER__RETRY__FACTOR: '1.5',
      SLUICE_SMTP__LIMITS__SIZE: '50MB',
      SLUICE_SMTP__LISTENERS__MAIL_OUT__REQUIRE_LOGIN: 'no',
      SLUICE_SMTP__LISTENERS__RELAY__PROXY_PROTOCOL: '10.0.0.1, 10.0.1.0/24',
      SLUICE_SMTP__LISTENERS__RELAY__TRUSTED_NETWORKS: '[{"name":"home","networks":["192.168.0.0/16"]}]',
      SLUICE_PLUGINS__QUOTA__PRIORITY: '-5',
      SLUICE_PLUGINS__QUOTA__TIME_ZONE: 'Asia/Tokyo',
      SLUICE_PLUGINS__DELIVERY__CONFIG__PAUSE: '2s',
    });
    expect(config.worker.retry.factor).toBe(1.5);
    expect(config.smtp.limits.size).toBe(50 * 1024 ** 2);
    expect(config.smtp.listeners[1]?.require_login).toBe(false);
    expect(config.smtp.listeners[0]?.proxy_protocol).toEqual(['10.0.0.1', '10.0.1.0/24']);
    expect(config.smtp.listeners[0]?.trusted_networks).toEqual([{ name: 'home', networks: ['192.168.0.0/16'] }]);
    expect(config.plugins.map(({ use, priority, config: own }) => [use, priority, own])).toEqual([
      ['quota', -5, { time_zone: 'Asia/Tokyo' }],
      ['delivery', 0, { pause: '2s' }],
    ]);
    expect(origin(['plugins', 'quota', 'config', 'time_zone'])).toEqual({
      layer: 'environment',
      variable: 'SLUICE_PLUGINS__QUOTA__TIME_ZONE',
    });
  });

  test("a plugin's own setting outweighs the entry's of the same name", async () => {
    const { config } = await load({ SLUICE_PLUGINS__QUOTA__TIMEOUT: '7' });
    expect(config.plugins[0]).toMatchObject({ timeout: 10_000, config: { timeout: 7 } });
  });

  test('a plugin without a known schema takes any key', async () => {
    const text = `${base}\n  - { id: own, use: ./own.ts }`;
    const { config, warnings } = await load(
      { SLUICE_PLUGINS__OWN__MOST__PER_DAY: '3', SLUICE_PLUGINS__OWN__WORD: 'a' },
      text,
    );
    expect(config.plugins[2]?.config).toEqual({ most: { per_day: 3 }, word: 'a' });
    expect(warnings.filter(({ variable }) => variable !== undefined)).toEqual([]);
  });
});

describe('names of the original', () => {
  test('set the upstream `default`, the first port and the rest', async () => {
    const { config } = await load({
      UPSTREAM_SMTP_HOST: 'mail.example',
      UPSTREAM_SMTP_PORT: '587',
      UPSTREAM_SMTP_USERNAME: 'me',
      UPSTREAM_SMTP_PASSWORD: '12345',
      UPSTREAM_SMTP_TLS: 'starttls',
      SMTP_PORT: '25',
      API_PORT: '81',
      DAILY_QUOTA_DEFAULT: '5',
      HOURLY_QUOTA_DEFAULT: '4',
      RATE_LIMIT_REQUESTS: '3',
      RATE_LIMIT_WINDOW: '2h',
      JWT_SECRET: 'x'.repeat(32),
      SLUICE_DATA_DIR: '/var/lib/sluice',
    });
    expect(config.plugins[1]?.config.upstreams).toEqual([
      { name: 'default', host: 'mail.example', port: 587, username: 'me', password: '12345', tls: 'starttls' },
    ]);
    expect(config.smtp.listeners.map(({ port }) => port)).toEqual([25, 2526]);
    expect(config.api).toMatchObject({ port: 81, rate_limit: { requests: 3, window: 7_200_000 } });
    expect(config.quotas).toEqual({ daily_default: 5, hourly_default: 4 });
    expect(config.jwt_secret).toBe('x'.repeat(32));
    expect(config.data_dir).toBe('/var/lib/sluice');
  });

  test('change the entry `default` among other upstreams, and leave those alone', async () => {
    const text = `${base.replace('{ use: delivery }', '{ use: delivery, config: { upstreams: [{ name: spare, host: b }, { name: default, host: a }] } }')}`;
    const { config } = await load({ UPSTREAM_SMTP_HOST: 'c' }, text);
    expect(config.plugins[1]?.config.upstreams).toEqual([
      { name: 'spare', host: 'b' },
      { name: 'default', host: 'c' },
    ]);
  });

  test('SMTP_PORT moves the default listener of a file that names none', async () => {
    const { config } = await load({ SMTP_PORT: '26' }, 'plugins: []');
    expect(config.smtp.listeners).toEqual([expect.objectContaining({ name: 'relay', port: 26 })]);
  });

  test('yield to the exact name, with a warning', async () => {
    const { config, warnings } = await load({ SLUICE_API__PORT: '1', API_PORT: '2' });
    expect(config.api.port).toBe(1);
    expect(warnings.map(showProblem)).toContain('SLUICE_API__PORT: api.port outweighs API_PORT, which sets the same');
  });
});

describe('NAME_FILE', () => {
  test('reads the value from a file, without its last line end', async () => {
    const file = folder.write('secret', `${'s'.repeat(40)}\n`);
    const { config, origin } = await load({ JWT_SECRET_FILE: file, UPSTREAM_SMTP_PASSWORD_FILE: file });
    expect(config.jwt_secret).toBe('s'.repeat(40));
    expect(config.plugins[1]?.config).toEqual({ upstreams: [{ name: 'default', password: 's'.repeat(40) }] });
    expect(origin(['jwt_secret'])).toEqual({ layer: 'environment', variable: 'JWT_SECRET_FILE' });
  });

  test('that cannot be read, or stands beside NAME, is a problem', async () => {
    const env = { JWT_SECRET_FILE: `${folder.path}/none`, REDIS_URL_FILE: 'x', REDIS_URL: 'redis://a' };
    expect(await folder.problems(base, { env, pluginSchemas })).toEqual([
      expect.stringMatching(/^JWT_SECRET_FILE: jwt_secret names a file that cannot be read: ENOENT/),
      'REDIS_URL_FILE: redis_url is set together with REDIS_URL; keep one of the two',
      expect.stringContaining('only one of two URLs'),
    ]);
  });
});

describe('what is wrong is told with the name of the variable', () => {
  test('wrong types, ranges and words; secrets are not shown', async () => {
    const env = {
      API_PORT: 'eighty',
      RATE_LIMIT_WINDOW: '1 hour',
      SLUICE_SMTP__LISTENERS__RELAY__ENABLED: 'maybe',
      SLUICE_PLUGINS__DELIVERY__PAUSE: '5',
      UPSTREAM_SMTP_TLS: 'ssl',
    };
    expect((await folder.problems(base, { env, pluginSchemas })).sort()).toEqual([
      'API_PORT: api.port expected a whole number from 0 to 65535, found "eighty"',
      'RATE_LIMIT_WINDOW: api.rate_limit.window expected a span of time such as 45s (ms, s, m, h, d), found "1 hour"',
      'SLUICE_PLUGINS__DELIVERY__PAUSE: plugins.delivery.config.pause expected a span of time such as 45s (ms, s, m, h, d), found "5"',
      'SLUICE_SMTP__LISTENERS__RELAY__ENABLED: smtp.listeners.relay.enabled expected true or false, found "maybe"',
      'UPSTREAM_SMTP_TLS: plugins.delivery.config.upstreams.default.tls expected none, starttls or tls, found "ssl"',
    ]);
  });

  test('unknown names warn with the nearest one; empty ones and those of others are nothing', async () => {
    const { warnings } = await load({
      SLUICE_SMTP__LIMIT__SIZE: '1MB',
      SLUICE_PLUGINS__QUOTTA__TIME_ZONE: 'UTC',
      SLUICE_API__PORT: '',
      SLUICE_TEST_REDIS_URL: 'redis://a',
      SLUICE_CONFIG: 'unused.yaml',
      PATH: '/bin',
    });
    expect(warnings.filter(({ variable }) => variable !== undefined).map(showProblem)).toEqual([
      'SLUICE_PLUGINS__QUOTTA__TIME_ZONE:  sets nothing that Sluice knows; did you mean SLUICE_PLUGINS__QUOTA__TIME_ZONE?',
      'SLUICE_SMTP__LIMIT__SIZE:  sets nothing that Sluice knows; did you mean SLUICE_SMTP__LIMITS__SIZE?',
    ]);
  });

  test('an upstream without the plugin that would use it', async () => {
    const { warnings } = await load({ UPSTREAM_SMTP_HOST: 'a' }, 'plugins: []');
    expect(warnings.map(showProblem)).toContain(
      'UPSTREAM_SMTP_HOST:  is not used: the configuration has no plugin `delivery`',
    );
  });
});
