import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { type Child, runChild, startChild } from '../support/child.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Postfix, startPostfix } from '../support/postfix.ts';
import { runPython } from '../support/python.ts';
import { waitFor } from '../support/wait-for.ts';
import { freshClone, personsEnvironment } from './support/fresh-clone.ts';
import { commands, readmeBlocks } from './support/readme-blocks.ts';

/*
 * "The first ten minutes" of the README, word for word, in a fresh clone with an empty data folder, on the ports that
 * the README names, with a real Postfix as upstream.
 */
describeWith(['postfix', 'curl', 'python3'], 'the first ten minutes', () => {
  const [shell, python, afterwards] = readmeBlocks('The first ten minutes');
  let clone: Awaited<ReturnType<typeof freshClone>>;
  let postfix: Postfix;
  let relay: Child;

  beforeAll(async () => {
    clone = await freshClone();
    postfix = await startPostfix();
    const installed = await runChild('npm', ['ci'], { cwd: clone.path, env: personsEnvironment(), timeout: 180_000 });
    expect(installed.code, installed.stderr).toBe(0);
    const env = personsEnvironment({ UPSTREAM_SMTP_HOST: '127.0.0.1', UPSTREAM_SMTP_PORT: String(postfix.port) });
    relay = startChild('npm', ['start'], { cwd: clone.path, env, group: true });
    await waitFor(
      'npm start to say what to do next',
      () => {
        if (relay.exit() !== undefined) throw new Error(`npm start ended: ${relay.stderr()}${relay.stdout()}`);
        return relay.stdout().includes('Next');
      },
      { timeout: 60_000, detail: () => relay.stdout() + relay.stderr() },
    );
  }, 300_000);

  afterAll(async () => {
    await relay?.stop(35_000);
    await postfix?.stop();
    await clone?.remove();
  });

  const run = async (command: string, env: Readonly<Record<string, string>> = {}): Promise<string> => {
    const { code, stdout, stderr } = await runChild(
      'bash',
      ['-c', command.replace(/^curl/, 'curl -sS --fail-with-body')],
      {
        env: personsEnvironment(env),
      },
    );
    expect(code, `${command}\n${stdout}${stderr}`).toBe(0);
    return stdout;
  };

  test('the commands of the README, in order, until the mail lies in the mailbox of Postfix', async () => {
    if (shell === undefined || python === undefined || afterwards === undefined) throw new Error('README has changed');
    const [start, health, register, login, create] = commands(shell);
    expect(start).toBe('npm ci && npm start');
    for (const command of [health, register, login, create]) expect(command).toMatch(/^curl /);

    expect(JSON.parse(await run(health ?? ''))).toMatchObject({ status: 'ok' });
    expect(JSON.parse(await run(register ?? ''))).toMatchObject({ username: 'testuser', role: 'admin' });
    const { token } = z.object({ token: z.string() }).parse(JSON.parse(await run(login ?? '')));
    const credential = z
      .object({
        id: z.string(),
        name: z.literal('My first credential'),
        username: z.string().regex(/^relay_\d{8}_[a-z]{4}$/),
        password: z.string().min(20),
        daily_quota: z.literal(1000),
        hourly_quota: z.literal(100),
        enabled: z.literal(true),
        created_at: z.iso.datetime(),
      })
      .parse(JSON.parse(await run(create ?? '', { JWT: token })));

    const known = `smtp_username, smtp_password = ${JSON.stringify([credential.username, credential.password])}\n`;
    const sent = await runPython(known + python.text);
    expect(sent.code, sent.stderr).toBe(0);

    const [mail] = await postfix.received(1);
    expect(mail?.raw.toString()).toMatch(/^Subject: test\r?$/m);
    expect(mail?.raw.toString()).toContain('hello');
    expect(await postfix.log()).toContain('to=<recipient@example.com>');

    const [stats, list, reset] = commands(afterwards);
    const statistics = await waitFor('the statistics to count the delivery', async () => {
      const body = z
        .object({ by_status: z.object({ accepted: z.number(), delivered: z.number() }) })
        .parse(JSON.parse(await run(stats ?? '', { JWT: token })));
      return body.by_status.delivered === 1 ? body : undefined;
    });
    expect(statistics.by_status.accepted).toBe(1);
    expect(JSON.parse(await run(list ?? '', { JWT: token }))).toMatchObject({
      items: [{ id: credential.id, username: credential.username }],
    });
    const renewed = z
      .object({ password: z.string() })
      .parse(JSON.parse(await run((reset ?? '').replace('{id}', credential.id), { JWT: token })));
    expect(renewed.password).not.toBe(credential.password);
    const refused = await runPython(known + python.text);
    expect(refused.stderr).toContain('535');
  });

  test('prints at most a dozen lines, among them the upstream and the next command', () => {
    const lines = relay
      .stdout()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('>'));
    expect(lines.length).toBeLessThanOrEqual(12);
    expect(relay.stdout()).toContain(`127.0.0.1:${postfix.port}`);
    expect(relay.stdout()).toMatch(/Next.*sluice/);
  });
});
