import { expect, it } from 'vitest';
import { isWithinDomain, normaliseDomain } from './domain-name.ts';

it.each([
  ['Example.COM', 'example.com'],
  ['example.com.', 'example.com'],
  ['localhost', 'localhost'],
  ['Bücher.example', 'xn--bcher-kva.example'],
  ['bücher。example', 'xn--bcher-kva.example'],
  ['1and1.example', '1and1.example'],
  ['7.example', '7.example'],
  ['a--b.example', 'a--b.example'],
])('%s → %s', (text, expected) => expect(normaliseDomain(text)).toBe(expected));

it.each([
  '',
  '.',
  '..',
  'a..b',
  '.a',
  '-a.b',
  'a-.b',
  'a.b-',
  'a_b.c',
  'a b',
  '192.0.2.1',
  '1',
  'a%41b',
  'ü%41',
  'a/b',
  'ü/b',
])('"%s" is no domain', (text) => expect(normaliseDomain(text)).toBeNull());

it('takes 63 octets a label and 255 a name, no more', () => {
  const label = 'a'.repeat(63);
  expect(normaliseDomain(`${label}.${label}.${label}.${label}`)).toHaveLength(255);
  expect(normaliseDomain(`${label}a.example`)).toBeNull();
  expect(normaliseDomain(`${label}.${label}.${label}.${label}.a`)).toBeNull();
  expect(normaliseDomain('ü'.repeat(300))).toBeNull();
});

it('matches a domain and what lies below it, not what only ends alike', () => {
  expect(isWithinDomain('example.com', 'example.com')).toBe(true);
  expect(isWithinDomain('mail.example.com', 'example.com')).toBe(true);
  expect(isWithinDomain('evil-example.com', 'example.com')).toBe(false);
  expect(isWithinDomain('com', 'example.com')).toBe(false);
  expect(isWithinDomain('example.com.evil.test', 'example.com')).toBe(false);
});
