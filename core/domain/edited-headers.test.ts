import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EditedHeaders } from './edited-headers.ts';
import { HeaderBlock } from './header-block.ts';
import type { HeaderEdit } from './header-edit.ts';

const received =
  'Received: old\r\nFrom: a@example.com\r\nX-A: 1\r\nSubject: folded\r\n value\r\nx-a: 2\r\n\r\nbody\r\n';
const headers = (text = received, edits: HeaderEdit[] = []) =>
  new EditedHeaders(new HeaderBlock(Buffer.from(text)), edits);

describe('EditedHeaders', () => {
  it('leaves the octets alone without edits', () => {
    expect(headers().render().toString()).toBe(received.slice(0, -'body\r\n'.length));
  });

  it('puts fields before, behind, in place of others, and takes them out', () => {
    const h = headers();
    h.prepend('Received', 'new');
    h.append('X-A', '3');
    h.replace('X-A', 1, 'two');
    h.remove('x-A', 0);
    expect(h.all('X-a')).toEqual(['two', '3']);
    expect(h.get('received')).toBe('new');
    expect(h.get('subject')).toBe('folded value');
    expect(h.fields().map((field) => field.name)).toEqual(['Received', 'Received', 'From', 'Subject', 'X-A', 'X-A']);
    const rendered =
      'Received: new\r\nReceived: old\r\nFrom: a@example.com\r\nSubject: folded\r\n value\r\nX-A: two\r\nX-A: 3\r\n\r\n';
    expect(h.render().toString()).toBe(rendered);
    expect(
      headers(received, [...h.edits])
        .render()
        .toString(),
    ).toBe(rendered);
  });

  it('does not read the block for fields put before or behind it', () => {
    const h = new EditedHeaders(() => {
      throw new Error('read');
    });
    h.prepend('Received', 'x');
    h.append('X-B', 'y');
    expect(h.get('Received')).toBe('x');
    expect(() => h.get('X-C')).toThrow('read');
  });

  it('removes all of a name when no number is given, and nothing where there is none', () => {
    const h = headers();
    h.remove('X-A');
    h.remove('X-None');
    expect(h.all('x-a')).toEqual([]);
    expect(h.edits).toEqual([
      { do: 'remove', name: 'X-A', nth: 0 },
      { do: 'remove', name: 'X-A', nth: 0 },
    ]);
    expect(() => h.replace('X-None', 0, 'x')).toThrow(RangeError);
  });

  it.each([
    'a\r\nBcc: x',
    'a\nb',
    'a\rb',
    'a\0b',
    'a\r\n',
    'a\r\n \r\n x',
    'a\r\n ',
    '\r\n x',
    ' \r\n x',
    'a\r\n\r\nbody',
  ])('refuses the value %j', (value) => {
    const h = headers();
    expect(() => h.prepend('X-A', value)).toThrow(RangeError);
    expect(() => h.append('X-A', value)).toThrow(RangeError);
    expect(() => h.replace('X-A', 0, value)).toThrow(RangeError);
    expect(h.render().equals(headers().render())).toBe(true);
  });

  it.each(['', 'A:', 'A B', 'Ä', 'A\r\n', 'a'.repeat(77)])('refuses the name %j', (name) => {
    expect(() => headers().prepend(name, 'x')).toThrow(RangeError);
  });

  it('closes a block that has no empty line, so that what follows stays body', () => {
    const h = headers('From: a@example.com\r\nnot a field\r\n');
    h.append('Date', 'now');
    expect(h.render().toString()).toBe('From: a@example.com\r\nDate: now\r\n\r\n');
    const unfinished = headers('From: a@example.com');
    unfinished.append('Date', 'now');
    expect(unfinished.render().toString()).toBe('From: a@example.com\r\nDate: now\r\n\r\n');
  });

  it('folds long values where there are blanks, and only there', () => {
    const h = headers('');
    const value = `${'word '.repeat(60)}${'x'.repeat(200)} end`;
    h.append('X-Long', value);
    const lines = h.render().toString().split('\r\n');
    expect(lines.filter((line) => line.length > 78)).toEqual([` ${'x'.repeat(200)}`]);
    expect(headers(h.render().toString()).get('x-long')).toBe(value);
  });
});

describe('a long value', () => {
  const long = `v=1; ${'word '.repeat(40)}end`;

  it('is folded, unless it is to stay as it is written, also when the edits are applied again', () => {
    const h = headers();
    h.prepend('X-Folded', long);
    h.prepend('X-Whole', long, { fold: false });
    h.replace('X-A', 0, long, { fold: false });
    const text = h.render().toString();
    expect(text).toContain(`X-Whole: ${long}\r\n`);
    expect(text).toContain(`X-A: ${long}\r\n`);
    expect(text).not.toContain(`X-Folded: ${long}`);
    expect(
      headers(received, [...h.edits])
        .render()
        .toString(),
    ).toBe(text);
  });
});

describe('any row of edits', () => {
  const name = fc.constantFrom('X-A', 'x-a', 'From', 'Subject', 'X-New');
  const value = fc
    .array(fc.stringMatching(/^[!-~äö€]{1,90}$/), { minLength: 1, maxLength: 12 })
    .map((words) => words.join(' '));
  const edit: fc.Arbitrary<HeaderEdit> = fc.oneof(
    fc.record({ do: fc.constant('prepend' as const), name, value }),
    fc.record({ do: fc.constant('append' as const), name, value }),
    fc.record({ do: fc.constant('remove' as const), name, nth: fc.nat(3) }),
  );

  it('reads the same from the rendered block as from the view, and renders the same when applied again', () => {
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 12 }), (edits) => {
        const view = headers(received, edits);
        const rendered = view.render().toString();
        expect(headers(rendered).fields()).toEqual(view.fields());
        expect(
          headers(received, [...view.edits])
            .render()
            .toString(),
        ).toBe(rendered);
        expect(rendered.indexOf('\r\n\r\n')).toBe(rendered.length - 4);
      }),
    );
  });

  it('lets no value make a second field', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const view = headers('From: a@example.com\r\n\r\n');
        try {
          view.append('X-A', text);
        } catch {
          return;
        }
        const again = headers(view.render().toString());
        expect(again.fields().map((field) => field.name)).toEqual(['From', 'X-A']);
      }),
      { numRuns: 500 },
    );
  });
});
