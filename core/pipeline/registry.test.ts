import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { SluiceError } from '../domain/errors.ts';
import { reply } from '../domain/reply.ts';
import { definePlugin, type HookHandlers, type Plugin } from './plugin.ts';
import type { PluginSettings } from './plugin-settings.ts';
import { createPipelines, type PipelineOptions } from './registry.ts';
import { services } from './services.ts';
import { session } from './testing.ts';
import { token } from './token.ts';
import { createTrace } from './trace.ts';
import { reject } from './verdict.ts';

const log = pino({ level: 'silent' });
let events: string[] = [];
beforeEach(() => {
  events = [];
});

interface Behaviour {
  readonly hooks?: (config: { text: string }) => HookHandlers;
  readonly init?: () => void | Promise<void>;
  readonly close?: () => Promise<void>;
  readonly roles?: Plugin['roles'];
  readonly needs?: Plugin['needs'];
}

const plugin = (name: string, behaviour: Behaviour = {}): Plugin => {
  const made = definePlugin({
    name,
    version: '1.0.0',
    contract: 1,
    summary: `The plugin ${name}`,
    roles: behaviour.roles ?? ['smtp'],
    config: z.strictObject({ text: z.string().default('') }),
    needs: behaviour.needs ?? {},
    async init({ id, config }) {
      await behaviour.init?.();
      events.push(`start ${id} ${config.text}`.trim());
      return {
        hooks: behaviour.hooks?.(config) ?? { connect: () => undefined },
        close: async () => {
          events.push(`close ${id} ${config.text}`.trim());
          await behaviour.close?.();
        },
      };
    },
  });
  return made as unknown as Plugin;
};

const entry = (use: string, given: Partial<PluginSettings> = {}): PluginSettings => ({
  use,
  enabled: true,
  timeout: 1_000,
  before: [],
  after: [],
  priority: 0,
  may_grant: false,
  config: {},
  ...given,
});

const create = (plugins: readonly Plugin[], entries: readonly PluginSettings[], given: Partial<PipelineOptions> = {}) =>
  createPipelines({
    entries,
    role: 'smtp',
    services: new Map(),
    log,
    listeners: ['relay', 'submission'],
    load: async (use) => {
      const found = plugins.find(({ name }) => name === use);
      if (found === undefined) throw new SluiceError('PLUGIN_UNKNOWN', `The plugin ${use} cannot be found`);
      return found;
    },
    ...given,
  });

const refusing = (name: string) =>
  plugin(name, { hooks: (config) => ({ connect: () => reject(reply(550, '5.7.1', config.text)) }) });

async function greeting(set: Awaited<ReturnType<typeof create>>, listener = 'relay'): Promise<unknown> {
  const { refused } = await set.current(listener).gate('connect', { session: session() }, { trace: createTrace() });
  return refused?.reply.text;
}

describe('createPipelines', () => {
  it('starts in the order of the configuration and closes in reverse, also where one fails to', async () => {
    const failing = plugin('b', { close: () => Promise.reject(new Error('cannot close')) });
    const set = await create([plugin('a'), failing, plugin('c')], [entry('c'), entry('b'), entry('a')]);
    expect(set.plugins().map(({ id }) => id)).toEqual(['c', 'b', 'a']);
    expect(set.order('relay')).toEqual([{ hook: 'connect', plugins: ['c', 'b', 'a'] }]);
    await set.close();
    await set.close();
    expect(events).toEqual(['start c', 'start b', 'start a', 'close a', 'close b', 'close c']);
  });

  it('closes what had started when a later one does not, and says which and why', async () => {
    const failing = plugin('b', { init: () => Promise.reject(new Error('no licence')) });
    const start = create([plugin('a'), failing], [entry('a'), entry('b')]);
    await expect(start).rejects.toMatchObject({
      code: 'PLUGIN_START_FAILED',
      message: expect.stringMatching(/b.*no licence/),
    });
    expect(events).toEqual(['start a', 'close a']);
  });

  it('does not wait for ever for one to start, and closes it should it come up later', async () => {
    let comeUp: () => void = () => undefined;
    const slow = plugin('slow', {
      init: () =>
        new Promise<void>((resolve) => {
          comeUp = resolve;
        }),
    });
    const start = create([slow], [entry('slow')], { limits: { startMilliseconds: 20 } });
    await expect(start).rejects.toMatchObject({ code: 'PLUGIN_START_FAILED' });
    comeUp();
    await expect.poll(() => events).toEqual(['start slow', 'close slow']);
  });

  it('reports every problem at once, before anything starts', async () => {
    const needy = plugin('needy', { needs: { counters: services.counters, other: token<object>('other') } });
    const old = { ...plugin('future'), contract: 99 };
    const entries = [
      entry('fine', { before: ['nobody'], listeners: ['nowhere'] }),
      entry('fine', { config: { text: 5, more: 1 } }),
      entry('needy'),
      entry('missing'),
      entry('future'),
    ];
    const plugins = [plugin('fine'), needy, old];
    const load = async (use: string) => {
      const { checkPlugin } = await import('./check-plugin.ts');
      const found = plugins.find(({ name }) => name === use);
      if (found === undefined) throw new SluiceError('PLUGIN_UNKNOWN', `The plugin ${use} cannot be found`);
      return checkPlugin(found, use);
    };
    const error: unknown = await create([], entries, { load }).catch((caught: unknown) => caught);
    if (!(error instanceof SluiceError)) throw new Error('no SluiceError');
    expect(error.problems.map(({ path }) => path)).toEqual([
      'plugins.fine.id',
      'plugins.fine.before',
      'plugins.fine.listeners',
      'plugins.fine.config.text',
      'plugins.fine.config',
      'plugins',
      'plugins',
      'plugins',
    ]);
    for (const part of [
      /sluice:counters, sluice:other/,
      /missing cannot be found/,
      /future speaks contract version 99.*update Sluice/,
    ]) {
      expect(error.message).toMatch(part);
    }
    expect(events).toEqual([]);
  });

  it.each<[string, unknown, RegExp]>([
    ['an unknown hook', { hooks: { mailform: () => undefined } }, /mailform/],
    ['a handler that is no function', { hooks: { connect: [{ handler: 'x' }] } }, /connect/],
    ['no hooks', {}, /no hooks/],
    ['nothing', undefined, /no hooks/],
  ])('refuses %s', async (_, live, text) => {
    const odd = { ...plugin('odd'), init: () => live } as unknown as Plugin;
    await expect(create([plugin('a'), odd], [entry('a'), entry('odd')])).rejects.toMatchObject({
      code: 'PLUGIN_INCOMPATIBLE',
      message: expect.stringMatching(text),
    });
    expect(events).toEqual(['start a', 'close a']);
  });

  it('stops at a circle, names it, and closes what it had started', async () => {
    const entries = [entry('a', { after: ['b'] }), entry('b', { after: ['a'] })];
    await expect(create([plugin('a'), plugin('b')], entries)).rejects.toMatchObject({
      code: 'PLUGIN_ORDER_CYCLE',
      message: expect.stringMatching(/a → b → a|b → a → b/),
    });
    expect(events).toEqual(['start a', 'start b', 'close b', 'close a']);
  });

  it('gives each listener its plugins, from one list, and one instance to all', async () => {
    const set = await create(
      [refusing('a'), plugin('b')],
      [entry('a', { listeners: ['submission'], config: { text: 'no' } }), entry('b')],
    );
    expect([await greeting(set), await greeting(set, 'submission')]).toEqual([undefined, 'no']);
    expect(() => set.current('nowhere')).toThrow(/nowhere/);
    expect(events).toHaveLength(2);
    await set.close();
  });

  it('runs in the worker what is for the worker', async () => {
    const both = plugin('both', {
      roles: ['smtp', 'worker'],
      hooks: () => ({ connect: () => undefined, route: () => undefined }),
    });
    const set = await create([plugin('a'), both], [entry('a'), entry('both', { listeners: ['relay'] })], {
      role: 'worker',
    });
    expect(set.plugins().map(({ id }) => id)).toEqual(['both']);
    expect([set.current(null).has('route'), set.current(null).has('connect')]).toEqual([true, false]);
    await set.close();
  });

  it('gives a plugin the services it needs, those of its own id made for it', async () => {
    const given: unknown[] = [];
    const needs = { clock: services.clock, keyValue: services.keyValue };
    const needy = {
      ...plugin('needy', { needs }),
      init: (start: { services: unknown }) => {
        given.push(start.services);
        return { hooks: {} };
      },
    } as unknown as Plugin;
    const clock = { now: () => 0 };
    const set = await create([needy], [entry('needy', { id: 'mine' })], {
      services: new Map<symbol, unknown>([[services.clock, clock]]),
      servicesByPlugin: new Map([[services.keyValue as symbol, (id: string) => `pairs of ${id}`]]),
    });
    expect(given).toEqual([{ clock, keyValue: 'pairs of mine' }]);
    await set.close();
  });
});

describe('swap', () => {
  it('keeps the instances of what did not change, and puts the rest in force at once', async () => {
    const set = await create([plugin('a'), refusing('b')], [entry('a'), entry('b', { config: { text: 'one' } })]);
    events = [];
    const version = await set.swap([entry('b', { config: { text: 'two' }, timeout: 5 }), entry('a', { priority: 9 })]);
    expect([version, set.version, await greeting(set)]).toEqual([2, 2, 'two']);
    expect(events).toEqual(['start b two', 'close b one']);
    await set.close();
  });

  it('changes nothing when the new list is not valid', async () => {
    const failing = plugin('bad', { init: () => Promise.reject(new Error('x')) });
    const set = await create([refusing('a'), failing], [entry('a', { config: { text: 'old' } })]);
    for (const next of [
      [entry('a', { config: { text: 1 } })],
      [entry('a', { config: { text: 'new' } }), entry('bad')],
      [entry('none')],
    ]) {
      await expect(set.swap(next)).rejects.toBeInstanceOf(SluiceError);
    }
    expect([set.version, await greeting(set)]).toEqual([1, 'old']);
    expect(events.filter((event) => event.includes('old'))).toEqual(['start a old']);
    await set.close();
  });

  it('closes an old instance with the last transaction that holds it, not before', async () => {
    const set = await create([plugin('a')], [entry('a', { config: { text: 'old' } })]);
    const [first, second] = [set.current('relay').hold(), set.current('submission').hold()];
    await set.swap([entry('a', { config: { text: 'new' } })], 10);
    first();
    first();
    expect(events).toEqual(['start a old', 'start a new']);
    second();
    expect(events).toEqual(['start a old', 'start a new', 'close a old']);
    await set.close();
    expect(events.at(-1)).toBe('close a new');
  });

  it('keeps an instance that a later version shares until the last of both lets go', async () => {
    const set = await create([plugin('a'), plugin('b')], [entry('a')]);
    const release = set.current('relay').hold();
    await set.swap([entry('a'), entry('b')]);
    await set.swap([entry('b')]);
    expect(events).toEqual(['start a', 'start b']);
    release();
    expect(events).toEqual(['start a', 'start b', 'close a']);
    await set.close();
  });

  it('takes several at once, one after the other', async () => {
    const set = await create([plugin('a')], [entry('a')]);
    const texts = ['one', 'two', 'three'];
    const versions = await Promise.all(texts.map((text) => set.swap([entry('a', { config: { text } })])));
    expect(versions).toEqual([2, 3, 4]);
    await set.close();
    expect(events.filter((event) => event.startsWith('start')).length).toBe(events.length / 2);
    expect(events.at(-1)).toBe('close a three');
  });

  it('tells which plugins a session has not met yet', async () => {
    const set = await create([refusing('a'), plugin('b')], [entry('b')]);
    expect(set.changedSince('relay', 1)).toBeNull();
    await set.swap([entry('b', { priority: 3 })]);
    expect(set.changedSince('relay', 1)).toBeNull();
    await set.swap([entry('b'), entry('a', { listeners: ['relay'], config: { text: 'new' } })]);
    const changed = set.changedSince('relay', 1);
    expect(changed?.version).toBe(3);
    expect(changed?.gate('connect', { session: session() }, { trace: createTrace() })).toMatchObject({
      refused: { plugin: 'a' },
    });
    expect(set.changedSince('relay', 2)).toBe(set.changedSince('relay', 2));
    expect(set.changedSince('submission', 1)).toBeNull();
    await set.swap([entry('b'), entry('a', { config: { text: 'new' } })]);
    expect(set.changedSince('submission', 3)).not.toBeNull();
    expect(set.changedSince('relay', 3)).toBeNull();
    await set.close();
  });
});

describe('rehearse', () => {
  it('starts what would change and closes it again, with nothing of it in force', async () => {
    const set = await create([plugin('a'), plugin('b')], [entry('a'), entry('b')]);
    events = [];
    await set.rehearse([entry('b'), entry('a', { config: { text: 'new' } })]);
    expect(events).toEqual(['start a new', 'close a new']);
    expect(set.version).toBe(1);
    expect(set.order('relay')).toEqual([{ hook: 'connect', plugins: ['a', 'b'] }]);
    await set.close();
  });

  it('throws what a swap would, circles too, and leaves nothing open', async () => {
    const set = await create([plugin('a'), plugin('b')], [entry('a'), entry('b')]);
    events = [];
    const circle = [entry('a', { before: ['b'], config: { text: 'x' } }), entry('b', { before: ['a'] })];
    await expect(set.rehearse(circle)).rejects.toMatchObject({ code: 'PLUGIN_ORDER_CYCLE' });
    expect(events).toEqual(['start a x', 'close a x']);
    const wrong = [entry('a', { config: { text: 3 } })];
    await expect(set.rehearse(wrong)).rejects.toMatchObject({ problems: [{ path: 'plugins.a.config.text' }] });
    await set.close();
  });
});
