import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { guardPipelines } from './guarded-pipelines.ts';
import type { HookName } from './hooks.ts';
import type { PipelineSource } from './pipeline.ts';
import { HookRunner } from './runner.ts';
import { createTrace } from './trace.ts';
import { accept } from './verdict.ts';

const log = pino({ level: 'silent' });
const session = { session: {} } as never;

/** A source of one pipeline of version 7, which runs `run` for `hook`, and the versions that may judge. */
function guarded(hook: HookName, run: () => unknown) {
  const handler = { plugin: 'p', run, timeoutMilliseconds: 5_000, mayGrant: false, log };
  const runner = new HookRunner(7, { [hook]: [handler] }, () => () => undefined);
  const source: PipelineSource = { current: () => runner, changedSince: () => runner };
  const lowest = { version: 0 };
  const trace = createTrace();
  return { source: guardPipelines(source, (version) => version >= lowest.version), lowest, trace, call: { trace } };
}

describe('a guarded pipeline', () => {
  it('answers as the one beneath while its version may judge', async () => {
    const { source, call } = guarded('mailFrom', () => undefined);
    const pipeline = source.current('relay');
    expect(pipeline).toMatchObject({ version: 7, mayGrant: false });
    expect(pipeline.gate('mailFrom', session, call)).toEqual({});
    expect(pipeline.has('mailFrom')).toBe(true);
    expect(source.current('relay')).toBe(pipeline);
    expect(source.changedSince('relay', 6)).toBe(pipeline);
  });

  it('asks no plugin and defers, or closes at connect, once its version may not', () => {
    for (const [hook, code, kind] of [
      ['connect', 421, 'disconnect'],
      ['mailFrom', 451, 'defer'],
      ['message', 451, 'defer'],
    ] as const) {
      const asked: boolean[] = [];
      const { source, lowest, call, trace } = guarded(hook, () => void asked.push(true));
      const pipeline = source.current('relay');
      lowest.version = 8;
      expect(pipeline.gate(hook, session, call)).toMatchObject({
        refused: { do: kind, plugin: 'core', reply: { code, enhanced: '4.3.2' } },
      });
      expect(asked).toEqual([]);
      expect(trace.entries()).toMatchObject([{ hook, plugin: 'core', verdict: 'outdated' }]);
    }
  });

  it('holds an answer back that came after its version lost the right', async () => {
    const later = Promise.withResolvers<void>();
    const { source, lowest, call } = guarded('rcptTo', () => later.promise);
    const answer = source.current('relay').gate('rcptTo', session, call);
    lowest.version = 8;
    later.resolve();
    expect(await answer).toMatchObject({ refused: { do: 'defer', reply: { code: 451 } } });
  });

  it('does not deny what was done meanwhile: a durable message is one', async () => {
    const later = Promise.withResolvers<unknown>();
    const { source, lowest, call } = guarded('queue', () => later.promise);
    const params = { session: {}, transaction: {}, message: { committed: true } } as never;
    const answer = source.current('relay').first('queue', params, call);
    lowest.version = 8;
    later.resolve(accept({ as: 'discarded' }));
    expect(await answer).toMatchObject({ do: 'accept' });
    expect(source.current('relay').first('queue', params, call)).toMatchObject({ do: 'defer', reply: { code: 451 } });
  });
});
