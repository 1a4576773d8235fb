import { expect, test } from 'vitest';
import { SluiceError } from '../../../domain/errors.ts';
import { type Batch, WriteBatches } from './write-batches.ts';

/** Writes that a test lets end. */
function held() {
  const written: (readonly string[])[] = [];
  const waiting: (() => void)[] = [];
  const write = async ({ items }: Batch<string>): Promise<string[]> => {
    written.push(items);
    await new Promise<void>((resolve) => waiting.push(resolve));
    return items.map((item) => item.toUpperCase());
  };
  const next = async (): Promise<void> => {
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
    waiting.shift()?.();
  };
  return { batches: new WriteBatches<string, string>(write), written, next };
}

test('what comes while a write is under way goes with the next one, together', async () => {
  const { batches, written, next } = held();
  const first = batches.add('a', 1);
  await new Promise((resolve) => setImmediate(resolve));
  const others = ['b', 'c', 'd'].map((item) => batches.add(item, 1));
  expect(batches.unwritten).toBe(4);
  await next();
  expect(await first).toBe('A');
  await next();
  expect(await Promise.all(others)).toEqual(['B', 'C', 'D']);
  expect(written).toEqual([['a'], ['b', 'c', 'd']]);
  expect(batches.unwritten).toBe(0);
  await batches.drained();
});

test('a batch has bounds, and a large item goes alone', async () => {
  const { batches, written, next } = held();
  const large = 9 * 1024 * 1024;
  const all = [...Array.from({ length: 501 }, () => batches.add('x', 1)), batches.add('large', large)];
  for (let n = 0; n < 3; n += 1) await next();
  await Promise.all(all);
  expect(written.map((items) => items.length)).toEqual([500, 1, 1]);
});

test('an error that is the answer to one item concerns nobody else', async () => {
  const batches = new WriteBatches<string, string>(async ({ items }) =>
    items.map((item) => (item === 'bad' ? new SluiceError('CONFLICT', 'bad') : item)),
  );
  const outcomes = await Promise.allSettled(['a', 'bad', 'b'].map((item) => batches.add(item, 1)));
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('a write that throws is told to all of its batch, and the next one is made', async () => {
  let times = 0;
  const batches = new WriteBatches<string, string>(async ({ items }) => {
    times += 1;
    if (times === 1) throw new SluiceError('STORE_UNAVAILABLE', 'away');
    return items;
  });
  await expect(batches.add('a', 1)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(await batches.add('b', 1)).toBe('b');
});

test('what is given up before its write has begun is not written', async () => {
  const { batches, written, next } = held();
  const first = batches.add('a', 1);
  await new Promise((resolve) => setImmediate(resolve));
  const given = batches.add('b', 1);
  batches.withdraw((item) => item === 'a' || item === 'b');
  await expect(given).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  await next();
  expect(await first).toBe('A');
  expect(written).toEqual([['a']]);
  expect(batches.unwritten).toBe(0);
});

test('what waited past its deadline behind a slow write is refused without being written', async () => {
  const { batches, written, next } = held();
  const first = batches.add('a', 1);
  await new Promise((resolve) => setImmediate(resolve));
  const late = batches.add('late', 1, performance.now());
  const refused = expect(late).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  await next();
  await first;
  await refused;
  expect(written).toEqual([['a']]);
  await batches.drained();
});

test('a batch has to be answered by the earliest of its deadlines', async () => {
  const deadlines: number[] = [];
  const batches = new WriteBatches<string, string>(async ({ items, deadline }) => {
    deadlines.push(deadline);
    return items;
  });
  const soon = performance.now() + 60_000;
  await Promise.all([batches.add('a', 1, soon + 1_000), batches.add('b', 1, soon), batches.add('c', 1, soon + 2_000)]);
  expect(deadlines).toEqual([soon]);
});
