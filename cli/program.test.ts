import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigurationFolder } from '../core/config/testing/configuration-folder.ts';
import { runInProcess } from './testing/run-in-process.ts';

let folder: ConfigurationFolder;
beforeEach(() => {
  folder = new ConfigurationFolder();
});
afterEach(() => folder[Symbol.dispose]());

const run = (words: string, options: { env?: Record<string, string>; stdin?: string; terminal?: boolean } = {}) =>
  runInProcess(words.split(' '), { cwd: folder.path, ...options });

const good = 'plugins: [{ use: auth }, { use: quota }, { use: delivery }]\n';

describe('the command line itself', () => {
  test.each([
    ['frob', "unknown command 'frob'"],
    ['send', "required option '-t, --to <address>' not specified"],
    ['send --to nobody', 'expected an address such as someone@example.com'],
    ['send --to a@b.example --server nowhere', 'expected host:port'],
    ['start some', 'Allowed choices are all, smtp, worker, api'],
    ['user add --username a --email b --daily-quota many', 'expected a number of recipients, or none for no limit'],
    ['queue list --limit 0', 'expected a number of messages'],
    ['blacklist add 192.0.2.1 --for soon', 'expected a span of time such as 12h'],
    ['blacklist import x --format xml', 'Allowed choices are csv, plain'],
    ['stats --top 51', 'expected 1 to 50'],
    ['stats --from yesterday', 'expected a day or time'],
    ['stats --by sender', 'Allowed choices are'],
  ])('%s is refused with 64', async (words, message) => {
    const { exit, stderr } = await run(words);
    expect([exit, stderr]).toEqual([64, expect.stringContaining(message)]);
  });

  test('--help and --version go to standard output', async () => {
    expect(await run('--help')).toMatchObject({ exit: 0, stdout: expect.stringContaining('conservation'), stderr: '' });
    expect(await run('--version')).toMatchObject({ exit: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});

describe('check', () => {
  test('a good file', async () => {
    const file = folder.write('good.yaml', good);
    expect(await run('check --config good.yaml')).toEqual({ exit: 0, stdout: `${file} is valid.\n`, stderr: '' });
  });

  test('every problem with line and path, exit 78', async () => {
    const file = folder.write(
      'bad.yaml',
      'plugins:\n  - use: quota\n    config: { time_zone: Mars }\n  - use: quotta\nmood: bad\n',
    );
    const { exit, stdout, stderr } = await run('check -c bad.yaml');
    expect([exit, stdout]).toEqual([78, '']);
    const lines = stderr.trimEnd().split('\n');
    expect(lines[0]).toBe(`The configuration is not valid: 3 problems in the configuration ${file}`);
    expect(lines[1]).toMatch(/bad\.yaml:3: plugins\.quota\.config\.time_zone /);
    expect(lines[2]).toMatch(/bad\.yaml:4: plugins\.quotta\.use The plugin quotta cannot be found/);
    expect(lines[3]).toMatch(/bad\.yaml:5: mood is no setting; did you mean mode\?/);
  });

  test('the same for scripts', async () => {
    const file = folder.write('bad.yaml', 'plugins: []\nmood: bad\n');
    const { exit, stderr } = await run('check -c bad.yaml --json');
    expect(exit).toBe(78);
    expect(JSON.parse(stderr)).toEqual({
      error: {
        code: 'CONFIG_INVALID',
        title: 'The configuration is not valid',
        message: `One problem in the configuration ${file}`,
        problems: [{ path: 'mood', line: 2, file, message: 'is no setting; did you mean mode?' }],
      },
    });
  });

  test('warnings do not fail', async () => {
    folder.write('weak.yaml', `${good}jwt_secret: short\n`);
    const { exit, stdout, stderr } = await run('check -c weak.yaml', { env: { SLUICE_MOOD: 'x' } });
    expect([exit, stdout]).toEqual([0, expect.stringContaining('is valid, with 2 warnings.')]);
    expect(stderr).toMatch(/warning SLUICE_MOOD: sets nothing that Sluice knows; did you mean SLUICE_MODE\?/);
    expect(stderr).toMatch(/warning .*weak\.yaml:2: jwt_secret is short/);
  });

  test('--show tells values and where they come from, and no secret', async () => {
    const text = `${good.replace('{ use: delivery }', '{ use: delivery, config: { upstreams: [{ name: default, host: a, username: u, password: planted1 }] } }')}jwt_secret: planted2-planted2-planted2-planted2\n`;
    folder.write('secret.yaml', text);
    const env = { API_PORT: '81', REDIS_URL: 'redis://:planted3@a', MONGODB_URI: 'mongodb://u:planted3@a' };
    const { stdout } = await run('check -c secret.yaml --show', { env: { ...env, SLUICE_MODE: 'embedded' } });
    expect(stdout).not.toContain('planted');
    expect(stdout).toMatch(/^api\.port +81 +API_PORT$/m);
    expect(stdout).toMatch(/^jwt_secret +\[hidden\] +line 2$/m);
    expect(stdout).toMatch(/^redis_url +\[hidden\] +REDIS_URL$/m);
    expect(stdout).toMatch(/^plugins\.delivery\.config\.upstreams\.default\.password +\[hidden\] +line 1$/m);
    expect(stdout).toMatch(/^plugins\.delivery\.config\.upstreams\.default\.host +"a" +line 1$/m);
    expect(stdout).toMatch(/^api\.token_ttl +86400000 +default$/m);
  });
});

describe('plugins', () => {
  test('--order: for each listener and hook, in running order', async () => {
    folder.write(
      'order.yaml',
      [
        'smtp: { listeners: [{ name: relay, port: 2525 }, { name: inside, port: 2526 }, { name: off, port: 2527, enabled: false }] }',
        'plugins:',
        '  - { use: blacklist }',
        '  - { use: domain-whitelist, before: [auth] }',
        '  - { use: auth, listeners: [relay] }',
        '  - { use: delivery }',
      ].join('\n'),
    );
    const { exit, stdout } = await run('plugins --order --config order.yaml --json');
    const { order } = JSON.parse(stdout) as { order: { listener: string; hook: string; plugins: string[] }[] };
    expect(exit).toBe(0);
    const at = (listener: string | null, hook: string) =>
      order.find((each) => each.listener === listener && each.hook === hook)?.plugins;
    expect(at('relay', 'mailFrom')).toEqual(['blacklist', 'domain-whitelist', 'auth']);
    expect(at('inside', 'mailFrom')).toEqual(['blacklist', 'domain-whitelist']);
    expect(at(null, 'deliver')).toEqual(['delivery']);
    expect(order.map(({ listener }) => listener)).not.toContain('off');
  });

  test('a circle is named, exit 78', async () => {
    folder.write(
      'circle.yaml',
      'plugins: [{ use: auth, before: [blacklist] }, { use: blacklist, before: [auth] }, { use: delivery }]\n',
    );
    const { exit, stderr } = await run('plugins --order -c circle.yaml');
    expect([exit, stderr]).toEqual([78, expect.stringMatching(/circle: \w+ → \w+ → \w+/)]);
  });

  test('tables fit the terminal', async () => {
    folder.write('sluice.yaml', good);
    const { stdout } = await run('plugins --config sluice.yaml', { terminal: true });
    for (const line of stdout.trimEnd().split('\n')) expect(line.length).toBeLessThanOrEqual(60);
  });
});

describe('commands that need a running Sluice', () => {
  test('say so, with what to do, and leave no data folder behind', async () => {
    folder.write('sluice.yaml', good);
    for (const words of ['status', 'queue list', 'conservation', 'user list', 'send --to a@example.com']) {
      const { exit, stderr } = await run(`${words} --config sluice.yaml`);
      expect([words, exit, stderr]).toEqual([
        words,
        69,
        expect.stringMatching(/control\.sock: is Sluice running\? \(sluice start\)/),
      ]);
    }
    expect((await run('status --url http://127.0.0.1:1')).exit).toBe(69);
    expect((await run('status --url nonsense')).exit).toBe(64);
    expect((await run('status --config sluice.yaml', { env: { SLUICE_TOKEN: 'x' } })).exit).toBe(64);
  });

  test('start smtp, worker and api belong to a cluster', async () => {
    folder.write('sluice.yaml', good);
    for (const part of ['smtp', 'worker', 'api']) {
      const { exit, stderr } = await run(`start ${part} --config sluice.yaml`);
      expect([exit, stderr]).toEqual([64, expect.stringContaining('`sluice start`')]);
    }
  });
});

describe('while nothing runs', () => {
  const config = 'sluice.yaml';
  beforeEach(() => folder.write(config, good));

  test('the first user is made on the data folder itself, as administrator; the next is a user', async () => {
    const add = (name: string) =>
      run(`user add -u ${name} -e ${name}@example.com --json -c ${config}`, { stdin: 'password123\n' });
    expect(JSON.parse((await add('first')).stdout)).toMatchObject({ username: 'first', role: 'admin' });
    expect(JSON.parse((await add('second')).stdout)).toMatchObject({ username: 'second', role: 'user' });
    const again = await add('second');
    expect([again.exit, again.stdout]).toEqual([65, '']);
    const { stdout } = await run(`user list -c ${config}`);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/).slice(0, 3)),
    ).toEqual([
      ['Username', 'Email', 'Role'],
      ['first', 'first@example.com', 'admin'],
      ['second', 'second@example.com', 'user'],
    ]);
    const credential = await run(
      `credential add -u second -n shop --daily-quota 5 --hourly-quota none -c ${config} --json`,
    );
    expect(JSON.parse(credential.stdout)).toMatchObject({ name: 'shop', daily_quota: 5, hourly_quota: null });
    expect((await run(`credential add -u nobody -n shop -c ${config}`)).stderr).toContain('sluice user list');
    expect(await run(`queue list -c ${config}`)).toMatchObject({ exit: 0, stdout: 'The queue is empty.\n' });
    expect(await run(`stats --interval hour -c ${config}`)).toMatchObject({
      exit: 0,
      stdout: expect.stringMatching(/^No mail from \d{4}-\d\d-\d\d \d\d:00 to .*UTC/),
    });
    expect((await run(`stats --credential nobody -c ${config}`)).stderr).toContain('sluice credential list');
    expect(await run(`conservation -c ${config}`)).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('accounted for'),
    });
  });

  test('the blacklist is kept on the data folder itself', async () => {
    const blacklist = (words: string, stdin?: string) =>
      run(`blacklist ${words} -c ${config}`, stdin === undefined ? {} : { stdin });
    expect((await blacklist('add 203.0.113.1')).stderr).toContain('sluice start');
    await run(`user add -u first -e first@example.com -c ${config}`, { stdin: 'password123\n' });
    expect(await blacklist('list')).toMatchObject({ exit: 0, stdout: 'The blacklist is empty.\n' });
    const added = await blacklist('add 203.0.113.7/24 --reason spam --for 5d');
    expect([added.exit, added.stdout]).toEqual([0, '203.0.113.0/24 is refused from now on; ends: in 5 d.\n']);
    expect((await blacklist('add ::ffff:203.0.113.7')).stdout).toContain(
      'There is a wider entry, too: 203.0.113.0/24.',
    );
    expect(await blacklist('add 203.0.113.0/24')).toMatchObject({
      exit: 65,
      stderr: expect.stringContaining('listed already'),
    });
    expect(await blacklist('add 127.0.0.1')).toMatchObject({
      exit: 64,
      stderr: expect.stringContaining('is protected'),
    });

    folder.write('bad.txt', '198.18.5.0/24 # neighbours\nnowhere\n');
    expect(await blacklist('import bad.txt')).toMatchObject({ exit: 64, stderr: expect.stringContaining('line 2') });
    const dry = await blacklist('import bad.txt --skip-invalid --dry-run');
    expect(dry.stdout).toMatch(
      /^1 entry would be added, 0 would be updated, 0 unchanged\.\n1 bad line passed over:\n {2}line 2: "nowhere"/,
    );
    expect((await blacklist('import bad.txt --skip-invalid --json')).stdout).toContain('"added": 1');
    folder.write('list.csv', 'network,reason\n198.18.5.0/24,scans\n2001:db8::1,\n');
    expect((await blacklist('import list.csv')).stdout).toBe('1 entry added, 1 updated, 0 unchanged.\n');
    expect((await blacklist('import -', '198.18.7.9\n')).stdout).toBe('1 entry added, 0 updated, 0 unchanged.\n');
    expect(await blacklist('import nowhere.txt')).toMatchObject({
      exit: 64,
      stderr: expect.stringContaining('cannot be read'),
    });

    const all = ['198.18.5.0/24', '198.18.7.9/32', '203.0.113.0/24', '203.0.113.7/32', '2001:db8::1/128'];
    expect((await blacklist('export --format plain')).stdout).toBe(`${all.join('\n')}\n`);
    expect((await blacklist('export')).stdout).toMatch(
      /^network,reason,source,.*\r\n(?:.*\r\n)*203\.0\.113\.0\/24,spam,manual,/,
    );
    expect(
      (await blacklist('list --address 203.0.113.7')).stdout.split('\n').map((line) => line.split(/ {2,}/)[0]),
    ).toEqual(['Network', '203.0.113.0/24', '203.0.113.7/32', '']);
    expect((await blacklist('list --source import --limit 1')).stdout).toContain('--limit shows them');
    expect((await blacklist('remove 203.0.113.8')).stderr).toContain('it lies in 203.0.113.0/24, which is');
    expect((await blacklist('remove 203.0.113.7 2001:db8::1')).stdout).toBe('2 entries removed.\n');
    expect(JSON.parse((await blacklist('list --json')).stdout).entries).toHaveLength(3);
  });

  test('no password, no user', async () => {
    const { exit, stderr } = await run(`user add -u a2 -e a@example.com -c ${config}`);
    expect([exit, stderr]).toEqual([64, expect.stringContaining('hand it in on standard input')]);
    const short = await run(`user add -u a2 -e a@example.com -c ${config}`, { stdin: 'short' });
    expect([short.exit, short.stderr]).toEqual([64, expect.stringContaining('at least 8 characters')]);
  });
});
