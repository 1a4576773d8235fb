import { expect, it } from 'vitest';
import { SluiceError } from '../domain/errors.ts';
import { generatePassword, generateUsername } from './credential-generator.ts';
import { Secrets } from './secrets.ts';
import { WorkPool } from './work-pool.ts';

const secretsKey = 'k'.repeat(43);

it('verifies a machine-made secret at once, salted and keyed', () => {
  const secrets = new Secrets({ secretsKey });
  const stored = secrets.hashMachineSecret('abc');
  expect(secrets.verify(stored, 'abc')).toBe(true);
  expect(secrets.verify(stored, 'abd')).toBe(false);
  expect(secrets.hashMachineSecret('abc')).not.toEqual(stored);
  expect(new Secrets({ secretsKey: 'other key'.repeat(5) }).verify(stored, 'abc')).toBe(false);
  expect(JSON.stringify(stored)).not.toContain('abc');
});

it('verifies a person’s password by Argon2id with 19 MiB, two passes and one lane', async () => {
  const secrets = new Secrets({ secretsKey });
  const stored = await secrets.hashPassword('pässword 1');
  expect(stored).toMatchObject({ kind: 'argon2id', phc: expect.stringContaining('$argon2id$v=19$m=19456,t=2,p=1$') });
  expect(await secrets.verify(stored, 'pässword 1')).toBe(true);
  expect(await secrets.verify(stored, 'pa\u0308ssword 1')).toBe(true);
  expect(await secrets.verify(stored, 'passwort 1')).toBe(false);
});

it('does the work for unknown users, and answers false', async () => {
  const secrets = new Secrets({ secretsKey });
  expect(secrets.verify(null, '')).toBe(false);
  const argon = secrets.verify(null, 'whatever', 'argon2id');
  expect(argon).toBeInstanceOf(Promise);
  expect(await argon).toBe(false);
});

it('answers false for a stored hash of another length', () => {
  expect(new Secrets({ secretsKey }).verify({ kind: 'hmac-sha256', salt: 'c2FsdA', hash: 'c2hvcnQ' }, 'abc')).toBe(
    false,
  );
});

it('checks a bounded number of passwords at once, keeps a bounded line, and turns the rest away at once', async () => {
  const secrets = new Secrets({ secretsKey, concurrency: 1, waiting: 2 });
  const stored = await secrets.hashPassword('password');
  const flood = Array.from({ length: 20 }, () => secrets.verify(stored, 'password'));
  const answers = await Promise.allSettled(flood);
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  for (const answer of answers) {
    if (answer.status !== 'rejected') continue;
    expect(answer.reason).toBeInstanceOf(SluiceError);
    expect(answer.reason).toMatchObject({ code: 'LOGIN_BUSY' });
  }
  expect(await secrets.verify(stored, 'password')).toBe(true);
});

it('makes usernames and passwords of the promised form, never twice', () => {
  const usernames = Array.from({ length: 500 }, generateUsername);
  const passwords = Array.from({ length: 500 }, generatePassword);
  for (const username of usernames) expect(username).toMatch(/^relay_\d{8}_[a-z]{4}$/);
  for (const password of passwords) expect(password).toMatch(/^[2-9A-HJ-NP-Za-km-z]{24}$/);
  expect(new Set(passwords).size).toBe(500);
  expect(new Set(usernames).size).toBe(500);
  expect(24 * Math.log2(new Set(passwords.join('')).size)).toBeGreaterThan(128);
});

it('keeps its places when a job fails', async () => {
  const pool = new WorkPool({ concurrency: 1, waiting: 1 });
  const fail = () => Promise.reject(new Error('failed'));
  for (let i = 0; i < 5; i += 1) await expect(pool.run(fail)).rejects.toThrow('failed');
  expect(await pool.run(() => Promise.resolve('done'))).toBe('done');
});
