import { describe, expect, it } from 'vitest';
import { HookFailed, HookRunner, type HookTarget } from './hook-runner.ts';
import { createSite, loadSite, type Site } from './testing/site.ts';

const targetOf = (host: Awaited<ReturnType<typeof loadSite>>, more: object = {}): HookTarget =>
  host.process.log.addTo({ hook: null, transaction: null, ...more });

/** Runs one hook of site plugins that write what they did into `server.notes.calls`. */
async function run(
  files: Readonly<Record<string, string>>,
  hook: string,
  more: object = {},
): Promise<{ answer: Awaited<ReturnType<HookRunner['run']>>; calls: string[]; site: Site }> {
  const named = Object.fromEntries(Object.entries(files).map(([name, code]) => [`plugins/${name}.js`, code]));
  await using site = await createSite({ 'config/plugin_timeout': '1', ...named });
  const host = await loadSite(site, Object.keys(files));
  const calls: string[] = [];
  host.process.server.notes.calls = calls;
  const answer = await new HookRunner(host).run(hook, targetOf(host, more), ['p']);
  return { answer, calls, site };
}

const says = (what: string, code = 'next()') =>
  `exports.hook_mail = (next, target, params) => { server.notes.calls.push('${what}'); ${code} }`;

describe('the runner of hooks', () => {
  it('asks one plugin after the other until one does not continue', async () => {
    const { answer, calls } = await run(
      { one: says('one'), two: says('two', "next(DENY, 'no')"), three: says('three') },
      'mail',
    );
    expect(calls).toEqual(['one', 'two']);
    expect(answer).toMatchObject({ code: 902, message: 'no', plugin: 'two' });
  });

  it('sorts by priority, then by registration, and bounds priorities', async () => {
    const registered = (name: string, priority: number) =>
      `exports.register = function () { this.register_hook('mail', 'm', ${priority}) }
       exports.m = (next) => { server.notes.calls.push('${name}'); next() }`;
    const { calls } = await run(
      { last: registered('last', 1_000), late: registered('late', 100), a: registered('a', 0), b: registered('b', -5) },
      'mail',
    );
    expect(calls).toEqual(['b', 'a', 'last', 'late']);
  });

  it('runs all of connect_init and disconnect, whatever they answer', async () => {
    const init = (name: string) =>
      `exports.hook_connect_init = (next) => { server.notes.calls.push('${name}'); next(DENY) }`;
    expect((await run({ one: init('one'), two: init('two') }, 'connect_init')).calls).toEqual(['one', 'two']);
  });

  it('puts a denial to the deny hooks: OK takes it back, and the others go on', async () => {
    const deny = `exports.hook_deny = (next, target, params) => {
      server.notes.calls.push([params[0], params[1], params[2], params[3], params[5]].join(' ')); next(OK) }`;
    const { answer, calls } = await run({ one: says('one', "next(DENY, 'no')"), two: says('two'), deny }, 'mail');
    expect(calls).toEqual(['one', '902 no one hook_mail mail', 'two']);
    expect(answer.code).toBe(900);
  });

  it('lets a denial stand where a deny hook denies, too, or fails', async () => {
    for (const code of ["next(DENY, 'never')", "throw new Error('broken')", 'next(STOP)']) {
      const deny = `exports.hook_deny = (next) => { ${code} }`;
      const { answer, calls } = await run({ one: says('one', "next(DENYSOFT, 'no')"), two: says('two'), deny }, 'mail');
      expect(calls).toEqual(['one']);
      expect(answer).toMatchObject({ code: 903, message: 'no', plugin: 'one' });
    }
  });

  it('goes on where a hook fails whose answer changes nothing', async () => {
    const failing = `exports.hook_reset_transaction = () => { throw new Error('broken') }`;
    const other = `exports.hook_reset_transaction = (next) => { server.notes.calls.push('other'); next() }`;
    expect((await run({ failing, other }, 'reset_transaction')).calls).toEqual(['other']);
  });

  it('fails where a hook throws or its promise is rejected', async () => {
    await expect(run({ one: says('one', "throw new Error('broken')") }, 'mail')).rejects.toThrow(HookFailed);
    const rejecting = "exports.hook_mail = async () => { throw new Error('broken') }";
    await expect(run({ one: rejecting }, 'mail')).rejects.toThrow(HookFailed);
  });

  it('takes the first of two answers', async () => {
    const { answer } = await run({ one: says('one', "next(OK, 'first'); next(DENY, 'second')") }, 'mail');
    expect(answer).toMatchObject({ code: 906, message: 'first' });
  });

  it('denies for now where no answer comes in time', async () => {
    const { answer } = await run({ one: says('one', '') }, 'mail');
    expect(answer).toMatchObject({ code: 903, message: 'plugin timeout' });
  });

  it('skips plugins that the notes of the transaction name', async () => {
    const transaction = { notes: { skip_plugins: ['one'] } };
    const { calls } = await run({ one: says('one'), two: says('two') }, 'mail', { transaction });
    expect(calls).toEqual(['two']);
  });

  it('gives up a call that a reset overtakes', async () => {
    await using site = await createSite({ 'plugins/slow.js': 'exports.hook_mail = () => {}' });
    const host = await loadSite(site, ['slow']);
    const target = targetOf(host);
    const runner = new HookRunner(host);
    const slow = runner.run('mail', target);
    await runner.run('reset_transaction', target);
    expect((await slow).cancelled).toBe(true);
  });
});
