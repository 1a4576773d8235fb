import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProcessList, ProcessState } from '../../core/storage/ports/processes.ts';

export interface ProcessListUnderTest {
  readonly processes: ProcessList;
  close(): Promise<void>;
}

const state = (change: Partial<ProcessState> = {}): ProcessState => ({
  id: uuidv7(),
  roles: ['smtp'],
  host: 'node-1',
  pid: 17,
  release: '0.1.0',
  startedAt: 1_000,
  settings: 3,
  built: { version: 4, error: 'quota: no such time zone' },
  rehearsed: [{ id: uuidv7(), error: null }],
  unfit: null,
  hooks: [{ listener: 'relay', hook: 'rcptTo', plugins: ['quota'] }],
  upstreams: [],
  ...change,
});

/** What every adapter of `ProcessList` has to do. */
export function describeProcesses(name: string, open: () => Promise<ProcessListUnderTest>): void {
  describe(`${name} as the list of processes`, () => {
    let storage: ProcessListUnderTest;
    beforeAll(async () => {
      storage = await open();
    });
    afterAll(() => storage.close());

    it('keeps what each told last, counts how often it did, and lists the first started first', async () => {
      const { processes } = storage;
      const [first, second] = [state(), state({ roles: ['worker', 'api'], built: null, unfit: 'cannot build 3' })];
      await processes.beat(second, 10);
      await processes.beat(first, 11);
      await processes.beat({ ...first, settings: 4, built: null }, 12);
      expect(await processes.list()).toEqual([
        { ...first, settings: 4, built: null, beats: 2, at: 12 },
        { ...second, beats: 1, at: 10 },
      ]);
      await processes.leave(first.id);
      await processes.leave(first.id);
      expect((await processes.list()).map(({ id }) => id)).toEqual([second.id]);
    });

    it('counts every beat of many at once', async () => {
      const { processes } = storage;
      const all = Array.from({ length: 5 }, () => state());
      await Promise.all(Array.from({ length: 50 }, (_, n) => processes.beat(all[n % 5] ?? state(), n)));
      const beats = (await processes.list()).filter(({ id }) => all.some((one) => one.id === id));
      expect(beats.map((one) => one.beats)).toEqual([10, 10, 10, 10, 10]);
    });
  });
}
