import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { loadServerSecrets } from './server-secrets.ts';

it('makes the secrets on the first start and finds them on the next', async () => {
  await using folder = await temporaryFolder('secrets');
  const dataDir = join(folder.path, 'data');
  const first = await loadServerSecrets({ config: {}, dataDir, mode: 'embedded' });
  expect(first.jwtSecret).not.toBe(first.secretsKey);
  expect(Buffer.from(first.secretsKey, 'base64url')).toHaveLength(32);
  expect(await loadServerSecrets({ config: {}, dataDir, mode: 'embedded' })).toEqual(first);
  expect((await stat(join(dataDir, 'secrets.json'))).mode & 0o777).toBe(0o600);
  expect(await readdir(dataDir)).toEqual(['secrets.json']);
});

it('agrees with itself when several start at the same moment', async () => {
  await using folder = await temporaryFolder('secrets');
  const all = await Promise.all(
    Array.from({ length: 8 }, () => loadServerSecrets({ config: {}, dataDir: folder.path, mode: 'embedded' })),
  );
  expect(new Set(all.map(({ secretsKey }) => secretsKey)).size).toBe(1);
});

it('takes what is configured before what is kept', async () => {
  await using folder = await temporaryFolder('secrets');
  const options = { dataDir: folder.path, mode: 'embedded' as const };
  const kept = await loadServerSecrets({ config: {}, ...options });
  const mixed = await loadServerSecrets({ config: { jwt_secret: 'configured' }, ...options });
  expect(mixed).toEqual({ jwtSecret: 'configured', secretsKey: kept.secretsKey });
});

it('makes up nothing in cluster mode and names what is missing', async () => {
  await using folder = await temporaryFolder('secrets');
  const options = { dataDir: folder.path, mode: 'cluster' as const };
  await expect(loadServerSecrets({ config: { jwt_secret: 'given' }, ...options })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    problems: [{ path: 'secrets_key', message: expect.stringContaining('SLUICE_SECRETS_KEY') }],
  });
  expect(await readdir(folder.path)).toEqual([]);
});

it('never replaces a damaged file', async () => {
  await using folder = await temporaryFolder('secrets');
  const file = join(folder.path, 'secrets.json');
  await writeFile(file, '{"jwt_secret": "cut o');
  await expect(loadServerSecrets({ config: {}, dataDir: folder.path, mode: 'embedded' })).rejects.toMatchObject({
    code: 'CONFIG_UNREADABLE',
    message: expect.stringContaining(file),
  });
  expect(await readFile(file, 'utf8')).toBe('{"jwt_secret": "cut o');
});

it('closes a file that others could read', async () => {
  await using folder = await temporaryFolder('secrets');
  await loadServerSecrets({ config: {}, dataDir: folder.path, mode: 'embedded' });
  const file = join(folder.path, 'secrets.json');
  await chmod(file, 0o644);
  await loadServerSecrets({ config: {}, dataDir: folder.path, mode: 'embedded' });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});
