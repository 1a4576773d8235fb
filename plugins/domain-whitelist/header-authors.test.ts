import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authorDomains } from './header-authors.ts';

describe('reads', () => {
  it.each([
    ['me@example.com', ['example.com']],
    ['<me@example.com>', ['example.com']],
    ['Me <me@example.com>', ['example.com']],
    ['"Me, Myself" <me@example.com>', ['example.com']],
    ['"me@evil.test" <me@example.com>', ['example.com']],
    ['"quo\\"ted" <me@example.com>', ['example.com']],
    ['me@EXAMPLE.com', ['example.com']],
    ['me@example.com.', ['example.com']],
    ['jürgen@bücher.example', ['xn--bcher-kva.example']],
    ['me@XN--BCHER-KVA.example', ['xn--bcher-kva.example']],
    ['a@one.test, b@two.test', ['one.test', 'two.test']],
    ['A <a@one.test>, "B" <b@two.test>', ['one.test', 'two.test']],
    ['Team: a@one.test, B <b@two.test>;', ['one.test', 'two.test']],
    ['me@example.com (comment)', ['example.com']],
    ['me@example.com (evil@evil.test)', ['example.com']],
    ['(nested (comment) \\) evil@evil.test) me@example.com', ['example.com']],
    ['Me (is) <me@example.com>', ['example.com']],
    ['=?utf-8?q?J=C3=BCrgen?= <me@example.com>', ['example.com']],
    ['=?utf-8?q?M=C3=BCller=2C_Hans?= <me@example.com>', ['example.com']],
    ['Me\t<me@example.com>', ['example.com']],
    ['"plain"@example.com', ['example.com']],
    ['me@evil-example.com', ['evil-example.com']],
    ['me@example.com.evil.test', ['example.com.evil.test']],
  ])('%s', (value, domains) => {
    expect(authorDomains(value)).toEqual(domains);
  });
});

describe('refuses to read', () => {
  it.each([
    [''],
    ['Nobody'],
    ['undisclosed-recipients:;'],
    ['me'],
    ['<>'],
    ['"ceo@evil.test"@example.com'],
    ['<"ceo@evil.test"@example.com>'],
    ['<"plain"@example.com>'],
    ['"a b"@example.com'],
    ['ceo@evil.test <me@example.com>'],
    ['<ceo@evil.test> <me@example.com>'],
    ['<ceo@evil.test>, me@example.com <x'],
    ['ceo@evil.test@example.com'],
    ['<@evil.test:me@example.com>'],
    ['<@evil.test,@other.test:me@example.com>'],
    ['me@[192.0.2.1]'],
    ['me@[x@evil.test]'],
    ['=?utf-8?q?ceo=40evil.test?='],
    ['=?utf-8?q?ceo=40evil.test=3E?= <me@example.com>'],
    ['=?utf-8?b?Y2VvQGV2aWwudGVzdCw=?= <me@example.com>'],
    ['=?utf-8?q?ceo=00?= <me@example.com>'],
    ['=?utf-8?q?me?=@example.com'],
    ['"open <me@example.com>'],
    ['(open me@example.com'],
    ['Me) <me@example.com>'],
    ['<me@example.com'],
    ['me@example.com>'],
    ['me\\@example.com'],
    ['me@exam\u0000ple.com'],
    ['me@example.com\r\nFrom: ceo@evil.test'],
    ['me@ex%61mple.com'],
    ['me@'],
    ['@example.com'],
    ['me@-example.com'],
    ['me@example..com'],
  ])('%s', (value) => {
    expect(authorDomains(value)).toBeNull();
  });
});

it('never overlooks an address: whatever stands around it, its domain is named or the value refused', () => {
  const piece = fc.constantFrom(
    ...[
      '"',
      '(',
      ')',
      '<',
      '>',
      ',',
      ';',
      ':',
      '\\',
      ' ',
      '@',
      'x',
      'me@example.com',
      '[',
      ']',
      '=?utf-8?q?',
      '?=',
      "'",
    ],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.array(piece, { maxLength: 8 }), (before, after) => {
      const domains = authorDomains([...before, ' <ceo@evil.test> ', ...after].join(''));
      // In a comment or a quoted string it is no address, and then another one has to be there.
      expect(domains === null || domains.length > 0).toBe(true);
      const open = !before.some((text) => text === '"' || text === '(');
      if (domains !== null && open) expect(domains).toContain('evil.test');
    }),
    { numRuns: 3_000 },
  );
});

it('reads 100 KB of anything in no time', () => {
  const startedAt = performance.now();
  for (const text of ['(', '"', 'a,', '<', 'a@b ', '=?q?q?', '\\', ':;', 'x@y.test,'])
    authorDomains(text.repeat(100_000 / text.length));
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});
