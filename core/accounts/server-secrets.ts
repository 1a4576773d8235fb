import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SluiceError } from '../domain/errors.ts';

/** The process's own secrets. */
export interface ServerSecrets {
  /** Signs access tokens. */
  readonly jwtSecret: string;
  /** Keys the hashes of credentials and encrypts stored secrets; whoever loses it has to reset every credential. */
  readonly secretsKey: string;
}

const fileSchema = z.strictObject({ jwt_secret: z.string().min(32), secrets_key: z.string().min(32) });

const generate = () => ({
  jwt_secret: randomBytes(32).toString('base64url'),
  secrets_key: randomBytes(32).toString('base64url'),
});

async function read(file: string): Promise<z.infer<typeof fileSchema> | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new SluiceError('CONFIG_UNREADABLE', `${file} cannot be read; let this user read it`, { cause: error });
  }
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch (error) {
    // Never made anew over a damaged one: that would silently make every stored credential worthless.
    const advice = 'restore it from a backup, or delete it and reset the password of every credential';
    throw new SluiceError('CONFIG_UNREADABLE', `${file} does not hold this server's secrets; ${advice}`, {
      cause: error,
    });
  }
}

/** Writes the whole file under another name, then links it into place: readers see all or nothing, the first one wins. */
async function createOnce(dataDir: string, file: string): Promise<void> {
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(generate(), null, 2)}\n`);
    await handle.sync();
    await handle.close();
    await link(draft, file).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return;
      // File systems without hard links, such as that of a memory card: there nobody but us uses this folder.
      if (error.code !== 'EPERM' && error.code !== 'ENOTSUP') throw error;
      await rename(draft, file);
    });
  } finally {
    await handle.close().catch(() => undefined);
    await rm(draft, { force: true });
  }
  const folder = await open(dataDir, 'r');
  await folder.sync().finally(() => folder.close());
}

/**
 * The secrets of this server: from the configuration, else from `<dataDir>/secrets.json` (mode 0600), which is made on
 * the first start. In cluster mode nothing is made up: several processes have to share them, so a missing one throws
 * `CONFIG_INVALID`.
 */
export async function loadServerSecrets(options: {
  config: { readonly jwt_secret?: string | undefined; readonly secrets_key?: string | undefined };
  dataDir: string;
  mode: 'embedded' | 'cluster';
}): Promise<ServerSecrets> {
  const { jwt_secret: jwtSecret, secrets_key: secretsKey } = options.config;
  if (jwtSecret !== undefined && secretsKey !== undefined) return { jwtSecret, secretsKey };
  if (options.mode === 'cluster') {
    const problems = [
      ...(jwtSecret === undefined ? [{ path: 'jwt_secret', message: 'needed in cluster mode: set JWT_SECRET' }] : []),
      ...(secretsKey === undefined
        ? [{ path: 'secrets_key', message: 'needed in cluster mode: set SLUICE_SECRETS_KEY' }]
        : []),
    ];
    throw new SluiceError('CONFIG_INVALID', problems.map((problem) => problem.message).join('; '), { problems });
  }
  const file = join(options.dataDir, 'secrets.json');
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  if ((await read(file)) === null) await createOnce(options.dataDir, file);
  await chmod(file, 0o600);
  const kept = await read(file);
  if (kept === null) throw new SluiceError('CONFIG_UNREADABLE', `${file} was deleted while it was being read`);
  return { jwtSecret: jwtSecret ?? kept.jwt_secret, secretsKey: secretsKey ?? kept.secrets_key };
}
