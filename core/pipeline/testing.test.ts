import { expect, it } from 'vitest';
import { z } from 'zod';
import { reply } from '../domain/reply.ts';
import { definePlugin } from './plugin.ts';
import { services } from './services.ts';
import { message, session, testPlugin, transaction } from './testing.ts';
import { accept, reject } from './verdict.ts';

const closed: string[] = [];
const greeter = definePlugin({
  name: 'greeter',
  version: '1.0.0',
  contract: 1,
  summary: 'Refuses a name and counts',
  roles: ['smtp'],
  config: z.strictObject({ refused: z.string(), limit: z.number().default(2) }),
  needs: { counters: services.counters, clock: services.clock, spool: services.spool },
  init({ id, config, services: { counters, clock, spool } }) {
    const window = () => ({
      account: id,
      owner: id,
      window: 'hour',
      limit: config.limit,
      startsAt: clock.now(),
      endsAt: clock.now() + 1_000,
    });
    return {
      hooks: {
        helo: [
          ({ name }) => (name === config.refused ? reject(reply(550, '5.7.1', 'Not you')) : undefined),
          {
            handler: async () => {
              const reserved = await counters.reserve([window()], 1);
              return reserved.ok ? undefined : reject(reply(550, '5.7.1', 'Too often'));
            },
          },
        ],
        queue: async ({ session: by, transaction: of, message: what }) => {
          await spool.commit(by, of, what);
          return accept({ as: 'queued' });
        },
      },
      close: () => void closed.push(id),
    };
  },
});

it('runs a plugin in three lines', async () => {
  const tested = await testPlugin(greeter, { config: { refused: 'bad.example' } });
  expect(await tested.run('helo', { session: session(), verb: 'EHLO', name: 'bad.example' })).toMatchObject({
    do: 'reject',
  });
  await tested.close();
  expect(closed).toEqual(['greeter']);
});

it('fills in defaults, services in memory, and shows what they were told', async () => {
  await using tested = await testPlugin(greeter, { config: { refused: 'x' } });
  const helo = () => tested.run('helo', { session: session(), verb: 'EHLO', name: 'good.example' });
  expect([await helo(), await helo()]).toEqual([undefined, undefined]);
  expect(await helo()).toMatchObject({ reply: { text: 'Too often' } });
  tested.fakes.clock.advance(2_000);
  const t = transaction({ recipients: ['a@example.com'] });
  const m = message('Subject: x\n\nbody\n');
  expect(await tested.run('queue', { session: t.session, transaction: t, message: m })).toEqual(
    accept({ as: 'queued' }),
  );
  expect(tested.fakes.spool.commits).toMatchObject([{ disposition: { as: 'queued' } }]);
  expect([tested.handles('queue'), tested.handles('data')]).toEqual([true, false]);
  expect(await tested.run('data', { session: t.session, transaction: t })).toBeUndefined();
});

it('takes other services, and refuses a configuration the start would refuse', async () => {
  const commits: string[] = [];
  await using tested = await testPlugin(greeter, {
    config: { refused: 'x' },
    services: { spool: { commit: async (_, { id }) => void commits.push(id) } },
  });
  const t = transaction();
  await tested.run('queue', { session: t.session, transaction: t, message: message('\nbody\n') });
  expect(commits).toEqual([t.id]);
  await expect(testPlugin(greeter, { config: { refused: 'x', limit: 'two' as never } })).rejects.toThrow(
    /plugins\.greeter\.config\.limit/,
  );
});

it('shows what a bridge did to a session', async () => {
  const bridge = definePlugin({
    name: 'bridge',
    version: '1.0.0',
    contract: 1,
    summary: 'Speaks itself',
    roles: ['smtp'],
    config: z.strictObject({}),
    needs: { controls: services.sessionControls },
    init: ({ services: { controls } }) => ({
      hooks: {
        command: async ({ session: by, transaction: of, command: { verb } }) => {
          const control = controls.of(by);
          if (control === null) return undefined;
          if (of !== null) control.amend(of, { recipients: [] });
          if (verb === 'STARTTLS') await control.upgrade({ key: 'k' });
          control.assume({ remote: { address: '192.0.2.99', port: 1 } });
          control.send(reply(control.pending().length > 0 ? 421 : 250, null, 'said'));
          return accept({ reply: null });
        },
      },
    }),
  });
  await using tested = await testPlugin(bridge);
  const t = transaction({ recipients: ['a@example.com'] });
  const { session: by } = t;
  const control = tested.fakes.sessionControls.of(by);
  const command = (verb: string) =>
    tested.run('command', { session: by, transaction: t, command: { verb, argument: '', line: verb } });
  expect(await command('STARTTLS')).toEqual(accept({ reply: null }));
  expect(control).toMatchObject({ sent: [{ code: 250, text: 'said' }], upgrades: [{ key: 'k' }], gone: false });
  expect(by).toMatchObject({ remote: { address: '192.0.2.99' }, tls: { protocol: 'TLSv1.3' }, hello: null });
  expect(t.recipients).toEqual([]);
  control.input = Buffer.from('NOOP');
  await command('XTHEN');
  expect(control.gone).toBe(true);
  control.handshake = new Error('planted');
  await expect(command('STARTTLS')).rejects.toThrow('planted');
});

it('makes messages whose headers can be edited like those of real mail', async () => {
  const m = message('Subject: one\n two\n\nbody\n');
  m.headers.append('X-A', '1');
  await m.replaceBody(Buffer.from('new\r\n'));
  expect(m.headers.get('subject')).toBe('one two');
  expect(m.text()).toBe('Subject: one\r\n two\r\nX-A: 1\r\n\r\nnew\r\n');
});
