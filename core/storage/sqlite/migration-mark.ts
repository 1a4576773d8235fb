import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SluiceError } from '../../domain/errors.ts';

/** Lies in a data folder from the first step of its migration on: its mail belongs to a cluster, or soon will. */
const markSchema = z.object({
  /** Hosts and name of the database, without login. */
  to: z.string(),
  state: z.enum(['copying', 'done']),
  /** Milliseconds since the epoch. */
  startedAt: z.number(),
});
export type MigrationMark = z.infer<typeof markSchema>;

const markFile = (folder: string): string => join(folder, 'migrated.json');

/** Null where nothing was begun. A mark that cannot be read counts as one: mail must not be relayed twice. */
export function readMigrationMark(folder: string): MigrationMark | null {
  let text: string;
  try {
    text = readFileSync(markFile(folder), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new SluiceError('CONFIG_UNREADABLE', `${markFile(folder)} cannot be read; let this user read it`, {
      cause: error,
    });
  }
  try {
    return markSchema.parse(JSON.parse(text));
  } catch {
    return { to: 'a database that the damaged file does not name', state: 'copying', startedAt: 0 };
  }
}

export function writeMigrationMark(folder: string, mark: MigrationMark): void {
  const draft = `${markFile(folder)}.draft`;
  const descriptor = openSync(draft, 'w', 0o600);
  try {
    writeSync(descriptor, `${JSON.stringify(mark)}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(draft, markFile(folder));
  const parent = openSync(folder, 'r');
  fsyncSync(parent);
  closeSync(parent);
}

export const removeMigrationMark = (folder: string): void => rmSync(markFile(folder), { force: true });

/** Throws `CONFLICT` for a folder whose mail belongs to a cluster. */
export function refuseMigrated(folder: string): void {
  const mark = readMigrationMark(folder);
  if (mark === null) return;
  const advice =
    mark.state === 'done'
      ? `the data folder ${folder} was migrated to ${mark.to}: start in cluster mode. To go back to what it held then, ` +
        'losing what the cluster did since, delete migrated.json in it'
      : `the migration of the data folder ${folder} to ${mark.to} is not finished: run \`sluice migrate\` again to ` +
        'finish it, or `sluice migrate --abandon` to give it up';
  throw new SluiceError('CONFLICT', advice);
}
