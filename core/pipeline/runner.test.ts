import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { reply } from '../domain/reply.ts';
import type { HookContext, HookName } from './hooks.ts';
import { type BoundHandler, type HandlerTable, HookRunner } from './runner.ts';
import { createTrace } from './trace.ts';
import { accept, defer, disconnect, grant, proceed, reject } from './verdict.ts';

type Run = (params: never, context: HookContext) => unknown;

/** A pipeline of these handlers, what was logged, and how many hold it. */
function pipelineOf(hook: HookName, runs: readonly (Run | Partial<BoundHandler>)[]) {
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  const handlers = runs.map((given, n) => ({
    plugin: `p${n}`,
    run: () => undefined,
    timeoutMilliseconds: 5_000,
    mayGrant: false,
    log,
    ...(typeof given === 'function' ? { run: given } : given),
  }));
  const held = { now: 0 };
  const table: HandlerTable = { [hook]: handlers };
  const runner = new HookRunner(7, table, () => {
    held.now++;
    return () => void held.now--;
  });
  const trace = createTrace();
  const verdicts = () => trace.entries().map((entry) => `${entry.plugin} ${entry.verdict}`);
  return { runner, trace, call: { trace }, lines, held, verdicts };
}

const session = { session: {} } as never;
const no = reject(reply(550, '5.7.1', 'No'));
const never = () => new Promise<never>(() => undefined);

describe('a gate', () => {
  it('runs all in order and answers a plain value when all answer at once', () => {
    const seen: number[] = [];
    const { runner, call, verdicts } = pipelineOf('connect', [() => void seen.push(0), () => void seen.push(1)]);
    expect(runner.gate('connect', session, call)).toEqual({});
    expect(seen).toEqual([0, 1]);
    expect(verdicts()).toEqual(['p0 continue', 'p1 continue']);
  });

  it('stops at the first refusal, now or later', async () => {
    const reached: boolean[] = [];
    for (const first of [() => no, async () => no]) {
      const { runner, call, verdicts, trace } = pipelineOf('mailFrom', [
        () => undefined,
        first,
        () => void reached.push(true),
      ]);
      expect(await runner.gate('mailFrom', session, call)).toEqual({ refused: { ...no, plugin: 'p1' } });
      expect(verdicts()).toEqual(['p0 continue', 'p1 reject']);
      expect(trace.entries()[1]?.reply).toBe('550 5.7.1 No');
    }
    expect(reached).toEqual([]);
  });

  it('mixes handlers that answer at once and later, in order, and holds the plugins only meanwhile', async () => {
    const seen: string[] = [];
    const { runner, call, held } = pipelineOf('data', [
      () => void seen.push('a'),
      async () => void seen.push('b'),
      () => void seen.push('c'),
      async () => void seen.push('d'),
    ]);
    const answer = runner.gate('data', session, call);
    expect(held.now).toBe(1);
    expect(await answer).toEqual({});
    expect(seen.join('')).toBe('abcd');
    expect(held.now).toBe(0);
  });

  it.each<[string, Run]>([
    [
      'throws',
      () => {
        throw new Error('secret detail');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('secret detail');
      },
    ],
    ['accepts', () => accept('x')],
    ['accepts later', async () => accept('x')],
    ['grants where nothing can be granted', () => grant('relay')],
    ['proceeds without words', () => ({ do: 'proceed' })],
    ['proceeds with no line', () => proceed([])],
    ['proceeds with a line break', () => proceed('fine\r\n250 more')],
    ['proceeds later with a number', async () => ({ do: 'proceed', text: 250 })],
    ['answers true', () => true],
    ['answers null', () => null],
    ['answers a text', () => 'ok'],
    ['defers with a 5yz', () => ({ do: 'defer', reply: reply(550, '5.0.0', 'x') })],
    ['rejects with a 250', () => ({ do: 'reject', reply: reply(250, '2.0.0', 'x') })],
    ['answers with a reply of two lines in one text', () => reject(reply(550, '5.0.0', 'a\r\n250 b'))],
    [
      'answers with a wrong enhanced code',
      () => ({ do: 'reject', reply: { code: 550, enhanced: '4.0.0', text: 'x' } }),
    ],
    ['answers without a text', () => ({ do: 'reject', reply: { code: 550, enhanced: null } })],
  ])('fails closed when a handler %s, and says nothing of the cause', async (_, run) => {
    const reached: boolean[] = [];
    const { runner, call, verdicts, lines } = pipelineOf('mailFrom', [run, () => void reached.push(true)]);
    const { refused } = await runner.gate('mailFrom', session, call);
    expect(refused).toMatchObject({ do: 'defer', plugin: 'core', reply: { code: 451, enhanced: '4.3.0' } });
    expect(refused?.reply.text).not.toContain('secret');
    expect(reached).toEqual([]);
    expect(verdicts()).toEqual(['p0 failed']);
    expect(lines).toHaveLength(1);
  });

  it('answers with the first words that were given, now or later, and traces them as continue', async () => {
    for (const second of [() => proceed(['mine', 'too']), async () => proceed(['mine', 'too'])]) {
      const { runner, call, verdicts } = pipelineOf('mailFrom', [() => undefined, second, () => proceed('others')]);
      expect(await runner.gate('mailFrom', session, call)).toEqual({ text: ['mine', 'too'] });
      expect(verdicts()).toEqual(['p0 continue', 'p1 continue', 'p2 continue']);
    }
  });

  it('keeps the words of a grant apart from its permission', () => {
    const { runner, call, verdicts } = pipelineOf('rcptTo', [
      () => grant('relay', 'known'),
      { mayGrant: true, run: () => grant('local', 'unheard') },
      () => proceed('unheard'),
    ]);
    expect(runner.gate('rcptTo', session, call)).toEqual({ grant: 'local', text: 'known' });
    expect(verdicts()).toEqual(['p0 grant ignored', 'p1 grant', 'p2 continue']);
  });

  it('forgets words behind which another refuses', () => {
    const { runner, call } = pipelineOf('rcptTo', [() => proceed('fine'), () => no]);
    expect(runner.gate('rcptTo', session, call)).toEqual({ refused: { ...no, plugin: 'p1' } });
  });

  it('fails closed where a grant has words that no reply can carry', () => {
    const { runner, call } = pipelineOf('rcptTo', [{ mayGrant: true, run: () => grant('relay', 'a\nb') }]);
    expect(runner.gate('rcptTo', session, call)).toMatchObject({ refused: { do: 'defer', plugin: 'core' } });
  });

  it('disconnects where a failure at connect says 421', () => {
    const { runner, call } = pipelineOf('connect', [
      () => {
        throw new Error('x');
      },
    ]);
    expect(runner.gate('connect', session, call)).toMatchObject({
      refused: { do: 'disconnect', reply: { code: 421 } },
    });
  });

  it('takes every kind of refusal', () => {
    for (const answer of [no, defer(reply(452, '4.2.2', ['a', 'b'])), disconnect(reply(521, '5.3.2', 'x'))]) {
      const { runner, call } = pipelineOf('helo', [() => answer]);
      expect(runner.gate('helo', session, call)).toEqual({ refused: { ...answer, plugin: 'p0' } });
    }
  });

  it('gives up at the deadline, tells the handler by its signal, and ignores what comes later', async () => {
    let context: HookContext | undefined;
    let answerLate: (() => void) | undefined;
    const { runner, call, verdicts, held } = pipelineOf('mailFrom', [
      {
        timeoutMilliseconds: 20,
        run: (_: never, given: HookContext) => {
          context = given;
          return new Promise((resolve) => {
            answerLate = () => resolve(undefined);
          });
        },
      },
    ]);
    const { refused } = await runner.gate('mailFrom', session, call);
    expect(refused).toMatchObject({ do: 'defer', plugin: 'core', reply: { code: 451 } });
    expect(context?.signal.aborted).toBe(true);
    answerLate?.();
    expect(verdicts()).toEqual(['p0 timeout']);
    expect(held.now).toBe(0);
  });

  it('follows the client’s signal into the handler’s, and stops waiting', async () => {
    const client = new AbortController();
    const aborted: boolean[] = [];
    const { runner, call } = pipelineOf('mailFrom', [
      (_: never, { signal }) => {
        signal.addEventListener('abort', () => aborted.push(true));
        return never();
      },
    ]);
    const answer = runner.gate('mailFrom', session, { ...call, signal: client.signal });
    client.abort();
    expect(await answer).toMatchObject({ refused: { do: 'defer' } });
    expect(aborted).toEqual([true]);
    const late = pipelineOf('mailFrom', [never]);
    expect(await late.runner.gate('mailFrom', session, { ...late.call, signal: client.signal })).toHaveProperty(
      'refused',
    );
  });

  it('takes a deadline beyond what a timer can hold as none', async () => {
    const { runner, call } = pipelineOf('mailFrom', [
      { timeoutMilliseconds: Number.POSITIVE_INFINITY, run: async () => no },
    ]);
    expect(await runner.gate('mailFrom', session, call)).toHaveProperty('refused.plugin', 'p0');
  });

  it('heeds a grant only of those who may, and runs the rest all the same', async () => {
    const handlers = (mayGrant: boolean) => [
      { mayGrant, run: () => grant('local') },
      { mayGrant, run: async () => grant('relay') },
    ];
    const permitted = pipelineOf('rcptTo', handlers(true));
    expect(await permitted.runner.gate('rcptTo', session, permitted.call)).toEqual({ grant: 'relay' });
    expect(permitted.runner.mayGrant).toBe(true);
    const others = pipelineOf('rcptTo', handlers(false));
    expect(await others.runner.gate('rcptTo', session, others.call)).toEqual({});
    expect(others.runner.mayGrant).toBe(false);
    expect(others.verdicts()).toEqual(['p0 grant ignored', 'p1 grant ignored']);
    const refused = pipelineOf('rcptTo', [{ mayGrant: true, run: () => grant('relay') }, () => no]);
    expect(refused.runner.gate('rcptTo', session, refused.call)).toEqual({ refused: { ...no, plugin: 'p1' } });
  });
});

describe('a first hook', () => {
  const identity = { ownerId: 'u', credentialId: 'c', username: 'n' };

  it('is decided by the first answer, now or later', async () => {
    for (const run of [() => accept(identity), async () => accept(identity)]) {
      const { runner, call, verdicts } = pipelineOf('auth', [() => undefined, run, () => no]);
      expect(await runner.first('auth', session, call)).toEqual({ do: 'accept', value: identity });
      expect(verdicts()).toEqual(['p0 continue', 'p1 accept']);
    }
  });

  it('is undefined when nobody answers, or nobody is there', async () => {
    const { runner, call } = pipelineOf('auth', [() => undefined, async () => undefined]);
    expect(await runner.first('auth', session, call)).toBeUndefined();
    expect(runner.first('queue', session, call)).toBeUndefined();
    expect([runner.has('auth'), runner.has('queue')]).toEqual([true, false]);
  });

  it.each<[HookName, unknown]>([
    ['auth', undefined],
    ['auth', {}],
    ['auth', { ownerId: '', credentialId: null, username: 'x' }],
    ['queue', { as: 'queue' }],
    ['queue', { as: 'queued', text: 'a\r\nb' }],
    ['queue', { as: 'relayed', reply: reply(550, '5.0.0', 'x') }],
    ['command', { reply: { code: 250, enhanced: null, text: 'a\nb' } }],
  ])('fails closed when %s is accepted with %j', async (hook, value) => {
    const { runner, call } = pipelineOf(hook, [() => ({ do: 'accept', value })]);
    expect(await runner.first(hook as 'auth', session, call)).toMatchObject({ do: 'defer', plugin: 'core' });
  });

  it('defers in the worker where the plugin failed or left a recipient out', async () => {
    const params = { job: { recipients: [0, 1] } } as never;
    const outcome = { do: 'delivered', reply: reply(250, null, 'ok') };
    for (const outcomes of [[outcome], [outcome, { do: 'lost' }]]) {
      const { runner, call } = pipelineOf('deliver', [async () => accept({ outcomes, attempts: [], phase: 'done' })]);
      expect(await runner.first('deliver', params, call)).toMatchObject({ do: 'defer', reply: { code: 451 } });
    }
    const whole = pipelineOf('deliver', [() => accept({ outcomes: [outcome, outcome], attempts: [], phase: 'done' })]);
    expect(whole.runner.first('deliver', params, whole.call)).toHaveProperty('do', 'accept');
  });
});

it('tells all observers, whatever one of them does, and never waits', async () => {
  let told = 0;
  const { runner, call, lines, held } = pipelineOf('disconnect', [
    () => {
      throw new Error('one');
    },
    async () => {
      throw new Error('two');
    },
    { timeoutMilliseconds: 10, run: never },
    () => void told++,
  ]);
  expect(runner.tell('disconnect', session, call)).toBeUndefined();
  expect(told).toBe(1);
  expect(held.now).toBe(2);
  await expect.poll(() => [held.now, lines.length]).toEqual([0, 3]);
});

it('keeps a trace of a client without end within bounds, refusals longest', () => {
  const trace = createTrace();
  for (let n = 0; n < 5_000; n++) trace.add('rcptTo', 'p', 'continue', 1);
  trace.add('rcptTo', 'p', 'reject', 1, reply(550, '5.1.1', 'no'));
  expect(trace.entries()).toHaveLength(2_001);
  expect(trace.entries().at(-1)).toEqual({
    hook: 'rcptTo',
    plugin: 'p',
    verdict: 'reject',
    micros: 1,
    reply: '550 5.1.1 no',
  });
});

it('costs single microseconds for a dozen trivial gates', () => {
  const { runner } = pipelineOf(
    'mailFrom',
    Array.from({ length: 12 }, () => () => undefined),
  );
  const rows = 2_000;
  const once = () => {
    const start = performance.now();
    for (let n = 0; n < rows; n++) void runner.gate('mailFrom', session, { trace: createTrace() });
    return ((performance.now() - start) * 1_000) / rows;
  };
  const best = Math.min(...Array.from({ length: 20 }, once));
  expect(best).toBeLessThan(10);
});
