import { expect, it } from 'vitest';
import type { TransactionNotes } from '../domain/notes.ts';
import { storedNotes } from './stored-notes.ts';

function stored(notes: object) {
  const problems: Error[] = [];
  const kept = storedNotes(notes as TransactionNotes, (problem) => void problems.push(problem));
  return { kept, problems };
}

it('keeps what JSON has', () => {
  const notes = { text: 'a', number: 1.5, no: null, yes: true, list: [1, { a: 'b' }], deep: { er: {} }, '': 0 };
  expect(stored(notes)).toEqual({ kept: notes, problems: [] });
  expect(stored({ constructor: 1, ['__proto__']: { a: 1 } }).kept).toEqual({ constructor: 1, ['__proto__']: { a: 1 } });
});

it('takes a live object for what its toJSON answers then, and a later change for nothing', () => {
  const live = { secret: 1, seen: ['one'], toJSON: () => ({ seen: live.seen }) };
  const { kept } = stored({ live, at: new Date(0), gone: { toJSON: () => undefined } });
  live.seen.push('two');
  expect(kept).toEqual({ live: { seen: ['one'] }, at: '1970-01-01T00:00:00.000Z' });
});

it('drops functions, wherever they stand', () => {
  const notes = { call: () => 1, nothing: undefined, mark: Symbol('x'), within: { call: () => 1, kept: 2 } };
  expect(stored(notes)).toEqual({ kept: { within: { kept: 2 } }, problems: [] });
});

it('names each note that JSON cannot hold, and keeps the others', () => {
  const loop: Record<string, unknown> = {};
  loop.self = { loop };
  const failing = {
    toJSON() {
      throw new Error('planted');
    },
  };
  const { kept, problems } = stored({ before: 1, loop, big: { n: 1n }, failing, after: 2 });
  expect(kept).toEqual({ before: 1, after: 2 });
  expect(problems.map(({ message }) => message)).toEqual([
    'The note loop cannot be stored as JSON: Converting circular structure to JSON',
    expect.stringMatching(/^The note big cannot be stored as JSON: .*BigInt/),
    'The note failing cannot be stored as JSON: planted',
  ]);
});
