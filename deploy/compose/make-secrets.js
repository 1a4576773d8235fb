// Makes what is missing of the secrets of a Compose installation, and never changes one that is there:
//   make-secrets.js FOLDER SERVERFOLDER
// FOLDER is for Sluice's processes (user 1000 of its image), SERVERFOLDER for MongoDB and Redis (user 999 of theirs). Each
// file is readable by its user alone; without the right to give files away they stay with who runs this.
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

const [folder, serverFolder] = process.argv.slice(2);
if (folder === undefined || serverFolder === undefined) {
  process.stderr.write('usage: make-secrets.js FOLDER SERVERFOLDER\n');
  process.exit(64);
}
const sluice = { folder, user: 1000 };
const servers = { folder: serverFolder, user: 999 };
const mayGive = process.getuid?.() === 0;

/** The secret as it stands in its file, which is written, whole and synced, if it is not there. */
async function secret(place, name, make) {
  const path = join(place.folder, name);
  const there = await readFile(path, 'utf8').catch((error) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
  if (there !== undefined) return there.trimEnd();
  const value = make();
  const file = await open(`${path}.new`, 'w', 0o400);
  await file.writeFile(`${value}\n`);
  await file.sync();
  await file.close();
  if (mayGive) await chown(`${path}.new`, place.user, place.user);
  await rename(`${path}.new`, path);
  process.stdout.write(`made ${path}\n`);
  return value;
}

// Letters and digits only: these stand in URLs and in a line of redis.conf.
const password = () => randomBytes(24).toString('hex');

for (const place of [sluice, servers]) {
  await mkdir(place.folder, { recursive: true });
  if (mayGive) await chown(place.folder, place.user, place.user);
  await chmod(place.folder, 0o700);
}
const key = () => randomBytes(32).toString('base64url');
await secret(sluice, 'jwt_secret', key);
await secret(sluice, 'secrets_key', key);
const ofMongodb = await secret(servers, 'mongodb_password', password);
const ofRedis = await secret(servers, 'redis_password', password);
await secret(servers, 'mongodb_keyfile', () => randomBytes(512).toString('base64'));
await secret(servers, 'redis.conf', () =>
  [
    `requirepass ${ofRedis}`,
    'protected-mode yes',
    'bind * -::*',
    'dir /data',
    // Counters and wake-ups; the database knows all that matters, and a second of it may be lost.
    'appendonly yes',
    'appendfsync everysec',
    'maxmemory 384mb',
    // A counter that is evicted would be a quota forgotten.
    'maxmemory-policy noeviction',
  ].join('\n'),
);
await secret(
  sluice,
  'mongodb_uri',
  () => `mongodb://sluice:${ofMongodb}@mongodb:27017/sluice?replicaSet=sluice&authSource=admin`,
);
await secret(sluice, 'redis_url', () => `redis://:${ofRedis}@redis:6379/0`);
