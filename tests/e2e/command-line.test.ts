import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runChild } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';
import { launcher, repository, type Sluice, startSluice } from '../support/process.ts';
import { waitFor } from '../support/wait-for.ts';

/** Runs `sluice` to its end against the configuration of a running one. */
const run = (sluice: Sluice, words: string, input = '', env: Record<string, string> = {}) =>
  runChild(process.execPath, [launcher, ...words.split(' '), '--config', sluice.configFile], {
    input,
    ...(Object.keys(env).length === 0 ? {} : { env }),
  });

const json = async (sluice: Sluice, words: string, input = '') => {
  const { code, stdout, stderr } = await run(sluice, `${words} --json`, input);
  expect([words, code, stderr]).toEqual([words, 0, '']);
  return JSON.parse(stdout);
};

describe('beside a running Sluice', () => {
  let sluice: Sluice;
  beforeAll(async () => {
    sluice = await startSluice();
  });
  afterAll(() => sluice.stop());

  test('start says in at most a dozen lines where it listens, where mail goes, and what to type next', async () => {
    await waitFor('the last line', () => sluice.child.stdout().includes('Next, in another terminal'));
    const lines = sluice.child
      .stdout()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('{'));
    expect(lines.length).toBeLessThanOrEqual(12);
    const text = lines.join('\n');
    expect(text).toContain(`127.0.0.1:${sluice.ports.smtp}`);
    expect(text).toContain(`http://127.0.0.1:${sluice.ports.api}`);
    expect(text).toContain('capture box');
    expect(text).toContain('npx sluice user add');
    expect(sluice.child.stderr()).toBe('');
  });

  test('send needs somebody whose mail it is', async () => {
    const { code, stderr } = await run(sluice, 'send --to someone@example.com');
    expect([code, stderr]).toEqual([69, expect.stringContaining('sluice user add')]);
  });

  test('user add, credential add, send: the mail is seen in the capture box', async () => {
    expect(await json(sluice, 'user add -u me -e me@example.com', 'password123\n')).toMatchObject({ role: 'admin' });
    const made = await json(sluice, 'credential add --user me --name first');
    expect(made).toMatchObject({ name: 'first', daily_quota: 1000, hourly_quota: 100 });

    const words = `send --to someone@example.com --username ${made.username}`;
    const sent = await run(sluice, words, `${made.password}\n`);
    expect([sent.code, sent.stdout]).toEqual([0, expect.stringMatching(/→ RCPT TO:<someone@example\.com>\n← 250 /)]);
    const secret = Buffer.from(`\0${made.username}\0${made.password}`).toString('base64');
    for (const text of [sent.stdout, sent.stderr]) {
      expect(text).not.toContain(made.password);
      expect(text).not.toContain(secret);
    }

    const watched = await json(sluice, 'send --to other@example.com --from me@example.org --subject Hello');
    expect(watched).toMatchObject({
      accepted: true,
      message: { status: 'captured', sender: 'me@example.org', subject: 'Hello' },
    });
    const { credentials } = await json(sluice, 'credential list --user me');
    expect(credentials.map(({ name }: { name: string }) => name)).toEqual(['first']);
    expect(await json(sluice, `queue show ${watched.id}`)).toMatchObject({
      id: watched.id,
      attempts: [{ upstream: 'default' }],
    });
  });

  test('send over a wrong login is refused with the words of the server', async () => {
    const { code, stderr } = await run(sluice, 'send --to a@example.com --username nobody', 'wrong-password\n');
    expect([code, stderr]).toEqual([
      65,
      expect.stringMatching(/^The mail was refused: the login was answered: 535 5\.7\.8 /),
    ]);
  });

  test('status and conservation', async () => {
    expect(await json(sluice, 'status')).toMatchObject({ status: 'ok', store: 'up' });
    const sum = await json(sluice, 'conservation');
    expect(sum).toMatchObject({ accepted: 2, generated: 0, balanced: true, states: { captured: 2 } });
  });

  test('over --url a token says who asks', async () => {
    const { api } = sluice;
    const answer = await fetch(`${api}/api/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'me@example.com', password: 'password123' }),
    });
    const { token } = (await answer.json()) as { token: string };
    expect((await run(sluice, `conservation --url ${api}`)).code).toBe(77);
    expect((await run(sluice, `conservation --url ${api} --token ${token}`)).code).toBe(0);
    const sent = await json(sluice, `send --to a@example.com --url ${api} --token ${token}`);
    expect(sent).toMatchObject({ accepted: true, message: { status: 'captured' } });
  });

  test('a second start on the same data folder is refused', async () => {
    const { code, stderr } = await run(sluice, 'start');
    expect([code, stderr]).toEqual([75, expect.stringContaining(String(sluice.child.pid))]);
  });

  test('SIGHUP: a bad file is told with its line and changes nothing; a good one is taken', async () => {
    const good = await readFile(sluice.configFile, 'utf8');
    await writeFile(sluice.configFile, `${good}\nmood: bad\n`);
    sluice.child.signal('SIGHUP');
    await waitFor('the refusal', () => /sluice\.yaml:\d+: mood is no setting/.test(sluice.child.stderr()));
    expect(await (await fetch(`${sluice.api}/health`)).json()).toMatchObject({ status: 'ok' });
    await writeFile(sluice.configFile, good);
    sluice.child.signal('SIGHUP');
    await waitFor('the reload', () => sluice.child.stderr().includes('were read again'));
    expect(sluice.child.stderr()).not.toContain('Changed, but not in force');
    await writeFile(sluice.configFile, `${good}\nretention: { log: 1d }\n`);
    sluice.child.signal('SIGHUP');
    await waitFor('what needs a restart', () =>
      sluice.child.stderr().includes('Changed, but not in force before the next start: retention.log.'),
    );
    await writeFile(sluice.configFile, good);
  });

  test('SIGTERM, twice: an orderly end with 0', async () => {
    sluice.child.signal('SIGTERM');
    await waitFor('the first to be heard', () => sluice.child.stderr().includes('SIGTERM: finishing'));
    sluice.child.signal('SIGTERM');
    expect(await sluice.child.exited).toEqual({ code: 0, signal: null });
  });
});

describe('a queue that waits for its upstream', () => {
  let sluice: Sluice;
  const open: string[] = [];
  beforeAll(async () => {
    const port = await freePort();
    sluice = await startSluice({
      configure: (config) => ({
        ...config,
        plugins: config.plugins.map((entry) =>
          entry.use === 'delivery'
            ? { ...entry, config: { upstreams: [{ name: 'default', host: '127.0.0.1', port, tls: 'none' }] } }
            : entry,
        ),
      }),
    });
    await run(sluice, 'user add -u me -e me@example.com', 'password123\n');
    for (const to of ['one', 'two', 'three'])
      open.push((await json(sluice, `send --no-wait --to ${to}@example.com`)).id);
  });
  afterAll(() => sluice.stop());

  const entry = async (id: string) => {
    const { messages } = await json(sluice, 'queue list');
    return messages.find((message: { id: string }) => message.id === id);
  };

  test('list, show, hold, release, retry, cancel; and the sum stays right', async () => {
    const [one = '', two = ''] = open;
    await waitFor('a first try of all', async () => {
      const { messages } = await json(sluice, 'queue list');
      return (
        messages.length === 3 &&
        messages.every(
          ({ status, being_delivered }: { status: string; being_delivered: boolean }) =>
            status === 'deferred' && !being_delivered,
        )
      );
    });
    expect((await run(sluice, `queue show ${one}`)).stdout).toMatch(/^one@example\.com +deferred/m);

    await waitFor('the hold', async () => {
      await json(sluice, `queue hold ${one}`);
      return (await entry(one)).status === 'held';
    });
    expect((await json(sluice, 'queue list')).state).toMatchObject({ messages: 3, held: 1 });
    expect((await json(sluice, `queue release ${one}`)).results).toEqual([{ id: one, result: 'done' }]);
    expect((await run(sluice, `queue retry ${one} ${two}`)).code).toBe(0);

    expect(await json(sluice, 'queue hold --address ONE@example.com --dry-run')).toMatchObject({
      matched: 1,
      sample: [{ id: one }],
    });
    expect((await json(sluice, 'queue reroute default --domain elsewhere.test')).matched).toBe(0);
    expect((await json(sluice, `queue reroute default ${two}`)).results).toMatchObject([{ id: two }]);
    const nowhere = await run(sluice, `queue reroute nowhere ${two}`);
    expect([nowhere.code, nowhere.stderr]).toEqual([64, expect.stringContaining('there is default')]);
    expect((await json(sluice, 'queue bounce --address two@example.com')).matched).toBe(1);
    await waitFor('the bounce', async () => (await json(sluice, `queue show ${two}`)).status === 'bounced');

    const both = await run(sluice, `queue cancel --all ${one}`);
    expect([both.code, both.stderr]).toEqual([64, expect.stringContaining('--all')]);
    await waitFor('all to be cancelled', async () => {
      expect((await run(sluice, 'queue cancel --all')).code).toBe(0);
      return (await json(sluice, 'queue list')).messages.length === 0;
    });
    expect(await json(sluice, 'conservation')).toMatchObject({ accepted: 3, balanced: true, states: { cancelled: 3 } });
    expect((await run(sluice, 'queue show 01890000-0000-7000-8000-000000000000')).code).toBe(69);
  });

  test('once it has ended, the commands work on the data folder itself', async () => {
    expect(await sluice.terminate()).toEqual({ code: 0, signal: null });
    const { code, stdout, stderr } = await run(sluice, 'conservation');
    expect([code, stdout]).toEqual([0, expect.stringContaining('accounted for')]);
    expect(stderr).toContain('No Sluice is running here');
    expect((await run(sluice, 'status')).code).toBe(69);
  });
});

describe('a start that cannot be', () => {
  test('a wrong setting of the environment names its variable', async () => {
    const { code, stdout, stderr } = await runChild(process.execPath, [launcher, 'start'], {
      cwd: repository,
      env: { PATH: '', API_PORT: 'eighty' },
    });
    expect([code, stdout]).toEqual([78, '']);
    expect(stderr).toContain('  API_PORT: api.port expected a whole number from 0 to 65535, found "eighty"');
  });

  test('an old Node is told in one line', async () => {
    const pretend = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.0' } })";
    const args = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, launcher, 'start'];
    const { code, stdout, stderr } = await runChild(process.execPath, args);
    expect([code, stdout]).toEqual([69, '']);
    expect(stderr.trimEnd().split('\n')).toEqual([expect.stringContaining('Sluice needs Node.js 24 or newer')]);
  });

  test('a port that is taken is named', async () => {
    await using first = await startSluice();
    const config = join(first.folder, 'other.yaml');
    const text = await readFile(first.configFile, 'utf8');
    await writeFile(config, text.replace(first.dataFolder, join(first.folder, 'other')));
    const { code, stderr } = await runChild(process.execPath, [launcher, 'start', '--config', config]);
    expect([code, stderr]).toEqual([69, expect.stringContaining(String(first.ports.smtp))]);
  });
});
