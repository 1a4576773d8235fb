import { expect, test } from 'vitest';
import { z } from 'zod';
import { duration } from './units.ts';
import { patchShape, writtenShape } from './written-form.ts';

const shape = {
  wait: duration().prefault('5s').describe('How long'),
  hosts: z.array(z.string().transform((text) => text.length)).default([]),
  inner: z.strictObject({ wait: duration().prefault('1m'), port: z.int().default(25) }).prefault({}),
  key: z.string().min(1).optional().meta({ env: 'KEY', secret: true }),
};

test('values stay as they were written, and nothing is filled in', () => {
  const settings = z.strictObject(writtenShape(shape));
  const written = { wait: '10s', hosts: ['a'], inner: { wait: '2m' }, key: 'x' };
  expect(settings.parse(written)).toEqual(written);
  expect(settings.parse({})).toEqual({});
});

test.each([
  { wait: 10 },
  { wait: 'soon' },
  { hosts: [1] },
  { inner: { wait: 1 } },
  { inner: { x: 1 } },
  { y: 1 },
  { wait: null },
])('%j is refused', (value) => {
  expect(z.strictObject(writtenShape(shape)).safeParse(value).success).toBe(false);
});

test('a patch may remove each of them', () => {
  const patch = z.strictObject(patchShape(shape));
  expect(patch.parse({ wait: null, inner: null, key: null })).toEqual({ wait: null, inner: null, key: null });
});

test('the JSON schema tells what people need to know, and nothing of how this program reads it', () => {
  const schema = z.toJSONSchema(z.strictObject(writtenShape(shape)));
  expect(schema.properties).toMatchObject({
    wait: { type: 'string', description: 'How long' },
    key: { type: 'string', format: 'password' },
  });
  expect(JSON.stringify(schema)).not.toMatch(/"env"|"secret"|"expected"|"default"/);
});
