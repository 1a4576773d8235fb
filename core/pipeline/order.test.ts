import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SluiceError } from '../domain/errors.ts';
import { type Placed, sortHandlers } from './order.ts';

const item = (id: string, place: Partial<Placed> = {}): Placed => ({
  id,
  before: [],
  after: [],
  priority: 0,
  ...place,
});
const ids = (items: readonly Placed[]) => sortHandlers(items, 'mailFrom').map(({ id }) => id);

describe('sortHandlers', () => {
  it('keeps the order of the configuration', () =>
    expect(ids([item('c'), item('a'), item('b')])).toEqual(['c', 'a', 'b']));

  it('puts lower priorities first', () => {
    expect(ids([item('a', { priority: 5 }), item('b'), item('c', { priority: -5 })])).toEqual(['c', 'b', 'a']);
  });

  it('lets before and after win over priority', () => {
    expect(ids([item('a', { after: ['b'], priority: -10 }), item('b', { priority: 10 }), item('c')])).toEqual([
      'c',
      'b',
      'a',
    ]);
    expect(ids([item('a'), item('b', { before: ['a'] })])).toEqual(['b', 'a']);
  });

  it('keeps several handlers of one plugin in their order, and moves them together', () => {
    const first = item('a', { priority: 1 });
    const second = item('a', { priority: 1 });
    expect(sortHandlers([first, second, item('b')], 'data').slice(1)).toEqual([first, second]);
    expect(ids([item('a'), item('b', { before: ['a'] }), item('a')])).toEqual(['b', 'a', 'a']);
  });

  it('passes over names that handle nothing here', () => {
    expect(ids([item('a', { after: ['absent'], before: ['b'] }), item('b')])).toEqual(['a', 'b']);
  });

  it('names the circle, and nobody who only waits for it', () => {
    const circle = () =>
      ids([
        item('w', { after: ['a'] }),
        item('a', { after: ['c'] }),
        item('b', { after: ['a'] }),
        item('c', { after: ['b'] }),
      ]);
    expect(circle).toThrow(SluiceError);
    expect(circle).toThrow(/mailFrom.*(a → b → c → a|b → c → a → b|c → a → b → c)\./);
    expect(circle).not.toThrow(/w/);
    expect(() => ids([item('a', { before: ['a'] })])).toThrow(/a → a/);
  });

  it('holds every before and after of rows without a circle, and is the given order where nothing is asked', () => {
    const row = fc.array(fc.record({ priority: fc.integer({ min: -2, max: 2 }), after: fc.array(fc.nat(7)) }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(row, (given) => {
        // Only later ones name earlier ones, so that there is no circle.
        const items = given.map(({ priority, after }, n) =>
          item(`p${n}`, { priority, after: after.filter((other) => other < n).map((other) => `p${other}`) }),
        );
        const shuffled = items.toSorted((a, b) => (a.id < b.id ? 1 : -1));
        const sorted = ids(shuffled);
        expect(sorted.toSorted()).toEqual(items.map(({ id }) => id).toSorted());
        for (const { id, after } of items)
          for (const name of after) expect(sorted.indexOf(name)).toBeLessThan(sorted.indexOf(id));
        const free = shuffled.map(({ id, priority }) => item(id, { priority }));
        const byPriority = free.toSorted((a, b) => a.priority - b.priority).map(({ id }) => id);
        expect(ids(free)).toEqual(byPriority);
      }),
    );
  });
});
