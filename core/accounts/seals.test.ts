import { expect, test } from 'vitest';
import { Seals } from './seals.ts';

const seals = new Seals('the key of this test');

test('a fingerprint is the same for the same text, purpose and key only', () => {
  const one = seals.fingerprint('api-key', 'text');
  expect(new Seals('the key of this test').fingerprint('api-key', 'text')).toBe(one);
  expect(seals.fingerprint('api-key', 'Text')).not.toBe(one);
  expect(seals.fingerprint('refresh-token', 'text')).not.toBe(one);
  expect(new Seals('another key').fingerprint('api-key', 'text')).not.toBe(one);
  expect(one).not.toContain('text');
});

test('what was sealed is read again with the same secret and key only', () => {
  const sealed = seals.seal('secret', 'Grüße');
  expect(seals.open('secret', sealed)).toBe('Grüße');
  expect(seals.seal('secret', 'Grüße')).not.toBe(sealed);
  expect(() => seals.open('Secret', sealed)).toThrow();
  expect(() => new Seals('another key').open('secret', sealed)).toThrow();
  const bytes = Buffer.from(sealed, 'base64');
  bytes.writeUInt8((bytes.readUInt8(13) + 1) % 256, 13);
  expect(() => seals.open('secret', bytes.toString('base64'))).toThrow();
});
