import { expect, test } from 'vitest';
import { ReplyReader, replyLimits } from './reply-reader.ts';
import { upstreamReply } from './upstream-reply.ts';

function read(text: string, size = text.length): { replies: string[]; wrong: string | null } {
  const reader = new ReplyReader();
  const replies: string[] = [];
  for (let i = 0; i < text.length; i += size) {
    const wrong = reader.read(Buffer.from(text.slice(i, i + size), 'latin1'), (reply) => replies.push(reply));
    if (wrong !== null) return { replies, wrong };
  }
  return { replies, wrong: null };
}

test('replies come out whole, however the bytes are cut', () => {
  const text = '220 hello\r\n250-one\r\n250-two\r\n250 three\r\n354\r\n250 bare line feed\n';
  for (let size = 1; size <= text.length; size++) {
    expect(read(text, size)).toEqual({
      replies: ['220 hello', '250-one\n250-two\n250 three', '354', '250 bare line feed'],
      wrong: null,
    });
  }
});

test.each([
  'garbage\r\n',
  '25\r\n',
  '2500 x\r\n',
  '650 x\r\n',
  '150 x\r\n',
  '\r\n',
  '250-a\r\n251 b\r\n',
  '250-a\r\nb\r\n',
])('%j is no reply', (text) => {
  expect(read(text).wrong).not.toBeNull();
});

test('an endless line and an endless reply stop at the bound', () => {
  const reader = new ReplyReader();
  let fed = 0;
  const chunk = Buffer.alloc(1_000, 'x');
  while (reader.read(chunk, () => {}) === null) fed += chunk.length;
  expect(fed).toBeLessThanOrEqual(replyLimits.line);

  const long = read('250-x\r\n'.repeat(replyLimits.lines + 1));
  expect(long).toEqual({ replies: [], wrong: 'a reply is too long' });
});

test('clearing while a reply is handled drops the rest of the chunk', () => {
  const reader = new ReplyReader();
  const replies: string[] = [];
  reader.read(Buffer.from('220 go ahead\r\n250 injected\r\n250-more'), (reply) => {
    replies.push(reply);
    reader.clear();
  });
  reader.read(Buffer.from('250 real\r\n'), (reply) => replies.push(reply));
  expect(replies).toEqual(['220 go ahead', '250 real']);
});

test('UTF-8 text is read as such, other octets one by one', () => {
  expect(read('250 gr\xc3\xbc\xc3\x9fe\r\n').replies).toEqual(['250 grüße']);
  expect(read('250 gr\xfc\xdfe\r\n').replies).toEqual(['250 grüße']);
});

test('a reply keeps code, enhanced code and bounded text', () => {
  expect(upstreamReply('450 4.2.0 greylisted')).toEqual({ code: 450, enhanced: '4.2.0', text: 'greylisted' });
  expect(upstreamReply('550 no such user')).toEqual({ code: 550, enhanced: null, text: 'no such user' });
  expect(upstreamReply('550 2.1.0 odd class')).toEqual({ code: 550, enhanced: null, text: '2.1.0 odd class' });
  expect(upstreamReply('554-5.7.1 one\n554 5.7.1 two')).toEqual({ code: 554, enhanced: '5.7.1', text: ['one', 'two'] });
  expect(upstreamReply('354')).toEqual({ code: 354, enhanced: null, text: [] });
  const long = upstreamReply(`550 ${'a\u0007'.repeat(1_000)}`);
  expect(long.text).toHaveLength(500);
  expect(long.text).not.toContain('\u0007');
});
