import { describe, expect, it } from 'vitest';
import { csvLines, type ListLine, plainLines } from './list-lines.ts';

const all = async (lines: AsyncIterable<ListLine>): Promise<ListLine[]> => {
  const read: ListLine[] = [];
  for await (const line of lines) read.push(line);
  return read;
};

describe('a plain list', () => {
  it.each([
    ['', []],
    ['\n\n# nothing\n  # at all', []],
    ['192.0.2.1', [{ line: 1, network: '192.0.2.1' }]],
    [
      '\ufeff192.0.2.1\r\n\r\n 2001:db8::/32 # why\n#192.0.2.2',
      [
        { line: 1, network: '192.0.2.1' },
        { line: 3, network: '2001:db8::/32' },
      ],
    ],
    [
      'a b\n\tx\u2028',
      [
        { line: 1, network: 'a b' },
        { line: 2, network: 'x' },
      ],
    ],
  ])('%j', async (text, expected) => {
    expect(await all(plainLines(text))).toEqual(expected);
  });

  it('may be long', async () => {
    const read = await all(plainLines('192.0.2.1 # one\n'.repeat(20_000)));
    expect([read.length, read.at(-1)]).toEqual([20_000, { line: 20_000, network: '192.0.2.1' }]);
  });
});

describe('CSV', () => {
  it('says nothing of a column that is not there, never of an empty end, and nothing of an empty reason', async () => {
    expect(await all(csvLines('network\n192.0.2.1\n'))).toEqual([{ line: 2, network: '192.0.2.1' }]);
    expect(await all(csvLines('reason,expires_at,network\n,,192.0.2.1\nwhy,2099-01-01T00:00:00Z,192.0.2.2'))).toEqual([
      { line: 2, network: '192.0.2.1', expiresAt: null },
      { line: 3, network: '192.0.2.2', reason: 'why', expiresAt: '2099-01-01T00:00:00Z' },
    ]);
    expect(await all(csvLines('network,reason\n192.0.2.1\n'))).toEqual([{ line: 2, network: '192.0.2.1' }]);
  });

  it('keeps every character, wherever the parser is when it comes', async () => {
    const reasons = Array.from({ length: 3_000 }, (_, n) => `${'x'.repeat(n % 7)}😀ü垃圾, "${n}"`);
    const quoted = reasons.map((reason) => `192.0.2.1,"${reason.replaceAll('"', '""')}"`);
    const read = await all(csvLines(`network,reason\r\n${quoted.join('\r\n')}`));
    expect(read.map(({ reason }) => reason)).toEqual(reasons);
    expect(read.at(-1)?.line).toBe(3_001);
  });

  it('tells the line of an entry that has more cells than the head line', async () => {
    const [, second] = await all(csvLines('network,reason\n192.0.2.1,\n192.0.2.2,a,b\n'));
    expect(second).toMatchObject({ line: 3, problem: 'expected 2 cells, as in the head line, found 3' });
  });

  it.each(['', '# nothing\n'])('of nothing is nothing: %j', async (text) => {
    expect(await all(csvLines(text))).toEqual([]);
  });
});
