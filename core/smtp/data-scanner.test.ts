import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DataLimits, DataScanner } from './data-scanner.ts';

const limits: DataLimits = {
  size: 1_000_000,
  line_length: 8_192,
  header_size: 100_000,
  header_fields: 2_000,
  hops: 50,
};

/** Feeds `parts` as the chunks of one DATA; `rest` is what stands behind the final dot. */
function run(parts: readonly Buffer[], normalize: boolean, given: Partial<DataLimits> = {}) {
  const scanner = new DataScanner({ ...limits, ...given }, normalize);
  const out: Buffer[] = [];
  const rest: Buffer[] = [];
  for (const part of parts) {
    const chunk = Buffer.from(part);
    if (scanner.ended) {
      rest.push(chunk);
      continue;
    }
    const pieces: Uint8Array[] = [];
    const end = scanner.scan(chunk, 0, pieces);
    out.push(...pieces.map((piece) => Buffer.from(piece)));
    rest.push(chunk.subarray(end));
  }
  return {
    ended: scanner.ended,
    problem: scanner.problem,
    size: scanner.size,
    text: Buffer.concat(out).toString('latin1'),
    rest: Buffer.concat(rest).toString('latin1'),
  };
}

/** The same by the book, one character at a time over the whole text. */
function byTheBook(wire: string) {
  let content = '';
  let bare = false;
  let i = 0;
  let lineStart = true;
  while (i < wire.length) {
    if (lineStart && wire.startsWith('.\r\n', i)) return { ended: true, content, bare, rest: wire.slice(i + 3) };
    if (lineStart && wire[i] === '.') {
      i++;
      lineStart = false;
      continue;
    }
    lineStart = false;
    if (wire.startsWith('\r\n', i)) {
      content += '\r\n';
      i += 2;
      lineStart = true;
    } else {
      const character = wire[i++] ?? '';
      if (character === '\r' || character === '\n' || character === '\0') bare = true;
      content += character === '\0' ? '' : character === '\r' || character === '\n' ? '\r\n' : character;
    }
  }
  return { ended: false, content, bare, rest: '' };
}

const splitAt = (wire: string, at: number) => [
  Buffer.from(wire.slice(0, at), 'latin1'),
  Buffer.from(wire.slice(at), 'latin1'),
];

describe('DataScanner', () => {
  it('takes the dot off lines that begin with one, and ends at a lone dot', () => {
    const wire = '..\r\n.text\r\n...\r\n\r\n.\r\nQUIT\r\n';
    for (let at = 0; at <= wire.length; at++) {
      expect(run(splitAt(wire, at), false)).toMatchObject({
        ended: true,
        problem: null,
        text: '.\r\ntext\r\n..\r\n\r\n',
        rest: 'QUIT\r\n',
      });
    }
  });

  it('takes an empty message', () => {
    for (let at = 0; at <= 3; at++) {
      expect(run(splitAt('.\r\n', at), false)).toMatchObject({ ended: true, problem: null, text: '', rest: '' });
    }
  });

  it('agrees with the book on every mixture of CR, LF, NUL and dot, however it is cut', () => {
    const alphabet = fc.constantFrom('\r', '\n', '\0', '.', 'a', '\r\n', '\r\n.', '\r\n.\r\n', '\r\n..');
    fc.assert(
      fc.property(
        fc.array(alphabet, { maxLength: 24 }).map((parts) => parts.join('')),
        fc.array(fc.nat(60), { maxLength: 6 }),
        (wire, cuts) => {
          const expected = byTheBook(wire);
          const edges = [0, ...cuts.map((cut) => Math.min(cut, wire.length)).sort((a, b) => a - b), wire.length];
          const parts = edges.slice(1).map((edge, i) => Buffer.from(wire.slice(edges[i], edge), 'latin1'));

          const normalized = run(parts, true);
          expect(normalized.ended).toBe(expected.ended);
          expect(normalized.rest).toBe(expected.rest);
          expect(normalized.problem).toBeNull();
          if (expected.ended) expect(normalized.text).toBe(expected.content);

          const strict = run(parts, false);
          expect(strict.ended).toBe(expected.ended);
          expect(strict.rest).toBe(expected.rest);
          if (expected.ended) {
            expect(strict.problem?.enhanced ?? null).toBe(expected.bare ? '5.6.11' : null);
            if (!expected.bare) expect(strict.text).toBe(expected.content);
          }
        },
      ),
      { numRuns: 20_000 },
    );
  });

  it.each([
    ['size', { size: 20 }, `Subject: x\r\n\r\n${'x'.repeat(30)}\r\n.\r\n`, '5.3.4'],
    ['line length', { line_length: 1_000 }, `\r\n${'x'.repeat(1_001)}\r\n.\r\n`, '5.6.0'],
    ['header size', { header_size: 50 }, `A: ${'x'.repeat(60)}\r\n\r\n.\r\n`, '5.3.4'],
    ['header fields', { header_fields: 3 }, 'A: 1\r\nB: 2\r\nC: 3\r\n\tmore\r\nD: 4\r\n\r\n.\r\n', '5.6.0'],
    ['hops', { hops: 2 }, 'Received: a\r\nreceived : b\r\nRECEIVED: c\r\n\r\n.\r\n', '5.4.6'],
  ])(
    'refuses past the limit of %s wherever the text is cut, and gives nothing more out',
    (_name, given, wire, enhanced) => {
      for (let at = 0; at <= wire.length; at++) {
        const result = run(splitAt(wire, at), false, given);
        expect(result.problem?.enhanced).toBe(enhanced);
        expect(result.ended).toBe(true);
      }
    },
  );

  it('takes what is just within the limits', () => {
    const wire = `Received: a\r\nReceived: b\r\nSubject: s\r\n\r\nReceived: c\r\nX: y\r\nZ: z\r\n${'x'.repeat(998)}\r\n.\r\n`;
    const body = wire.length - 3;
    for (let at = 0; at <= wire.length; at++) {
      const result = run(splitAt(wire, at), false, { hops: 2, header_fields: 3, line_length: 998, size: body });
      expect(result).toMatchObject({ problem: null, size: body });
    }
  });

  it('reads a megabyte of any kind in linear time', () => {
    const kinds = [
      '..\r\n',
      '.a\r\n',
      '\r',
      '\n',
      '\0',
      '\r\n',
      'a',
      '\r\n.\r',
      ' \r\n',
      '\0\n',
      `${'x'.repeat(76)}\r\n`,
    ];
    for (const kind of kinds) {
      const wire = Buffer.from(kind.repeat(Math.ceil(1_000_000 / kind.length)));
      for (const normalize of [false, true]) {
        const scanner = new DataScanner(
          { ...limits, size: 1e9, line_length: 1e9, header_size: 1e9, header_fields: 1e9 },
          normalize,
        );
        const started = process.cpuUsage();
        for (let i = 0; i < wire.length; i += 65_536) scanner.scan(Buffer.from(wire.subarray(i, i + 65_536)), 0, []);
        const { user } = process.cpuUsage(started);
        // Quadratic reading takes seconds; this is some hundred times what it should cost.
        expect(user / 1_000, `${JSON.stringify(kind)}, normalize ${normalize}`).toBeLessThan(1_000);
      }
    }
  });
});
